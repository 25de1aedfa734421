/** What a scenario file becomes, in plain numbers. */
import { describe, expect, test } from '@jest/globals';
import { changed, GOOD, parse, parseGroup } from './texts.js';

const GIB_PAGES = 2 ** 30 / 4096;
const MIB_PAGES = 2 ** 20 / 4096;

describe('the guest', () => {
  const { guest } = parse(GOOD).setup;

  test('is counted in pages; zero pages lie spread behind the working sets, hidden memory follows and is zero', () => {
    expect(guest.ramPages).toBe(4 * GIB_PAGES);
    expect(guest.hiddenPages).toBe(17 * MIB_PAGES);
    const zero = Math.floor(0.4 * GIB_PAGES);
    expect(guest.zeroExtents).toEqual([
      { firstPage: 1.25 * GIB_PAGES, pages: 2.75 * GIB_PAGES, zeroPages: zero },
      { firstPage: 4 * GIB_PAGES, pages: 17 * MIB_PAGES },
    ]);
    expect(guest.dirtyRingSize).toBe(4096);
    expect(guest.hostPagePages).toBe(1);
  });

  test('has a working set for each vCPU, one behind the other', () => {
    expect(guest.vcpus.map(({ group }) => group)).toEqual(['writer', 'writer', 'reader']);
    expect(guest.vcpus.map(({ classes }) => [classes[0]!.firstPage, classes[0]!.pages])).toEqual([
      [0, GIB_PAGES / 2],
      [GIB_PAGES / 2, GIB_PAGES / 2],
      [GIB_PAGES, GIB_PAGES / 4],
    ]);
  });

  test('bytes a second are page accesses a second times 4096', () => {
    const [writer, , reader] = guest.vcpus;
    expect(writer!.classes[0]).toMatchObject({
      pattern: 'uniform',
      writesPerSecond: 300 * MIB_PAGES,
      readsPerSecond: 0,
    });
    expect(reader!.classes[0]).toMatchObject({ writesPerSecond: 0, readsPerSecond: 2 * GIB_PAGES });
  });
});

describe('a group of vCPUs', () => {
  const vcpusOf = (group: string) => parseGroup(group).setup.guest.vcpus;

  test('that shares: one set, each vCPU at its full rate', () => {
    const vcpus = vcpusOf('{ count: 3, shared: true, workload: { write: 1MiB/s, working-set: 1GiB } }');
    expect(vcpus.map(({ classes }) => classes[0]!.firstPage)).toEqual([0, 0, 0]);
    expect(vcpus.map(({ classes }) => classes[0]!.writesPerSecond)).toEqual([256, 256, 256]);
  });

  test('with a place of its own; the next follows it', () => {
    const vcpus = vcpusOf('{ at: 16MiB, workload: idle }, { workload: idle }');
    expect(vcpus.map(({ classes }) => classes[0]!.firstPage)).toEqual([16 * MIB_PAGES, 17 * MIB_PAGES]);
  });

  test('of several classes keeps them together, in order', () => {
    const [first, second] = vcpusOf(
      '{ count: 2, workload: { write: 1MiB/s, working-set: 1GiB, pattern: hot-cold } }',
    );
    const hot = Math.round(GIB_PAGES / 10);
    expect(first!.classes.map(({ firstPage, pages }) => [firstPage, pages])).toEqual([
      [0, hot],
      [hot, GIB_PAGES - hot],
    ]);
    expect(second!.classes[0]!.firstPage).toBe(GIB_PAGES);
  });

  test('is called by what it does when it has no name', () => {
    const vcpus = vcpusOf(
      '{ workload: stress }, { workload: { write: 1MiB/s, working-set: 1MiB } }, ' +
        '{ workload: { read: 1MiB/s, working-set: 1MiB } }, {}',
    );
    expect(vcpus.map(({ group }) => group)).toEqual(['stress', 'writer', 'reader', 'idle']);
  });

  // 2 GiB/s of writing and 10 GiB/s of reading take all of a vCPU's time.
  test.each([
    ['{ write: 512MiB/s, working-set: 1GiB }', 0.25],
    ['{ read: 5GiB/s, working-set: 1GiB }', 0.5],
    ['{ write: 512MiB/s, read: 5GiB/s, working-set: 1GiB }', 0.75],
    ['{ write: max, working-set: 1GiB }', 1],
  ])('%s is busy for %d of its time, unless cpu says otherwise', (workload, busy) => {
    expect(vcpusOf(`{ workload: ${workload} }`)[0]!.busy).toBeCloseTo(busy, 12);
    expect(vcpusOf(`{ cpu: 40%, workload: ${workload} }`)[0]!.busy).toBe(0.4);
  });

  test('write: max is 2 GiB/s, read: max 10 GiB/s', () => {
    const [vcpu] = vcpusOf('{ workload: { write: max, read: max, working-set: 1GiB } }');
    expect(vcpu!.classes[0]).toMatchObject({
      writesPerSecond: 2 * GIB_PAGES,
      readsPerSecond: 10 * GIB_PAGES,
    });
  });

  test('phases follow each other from 0 on and begin again after the last', () => {
    const [vcpu] = vcpusOf(
      '{ workload: { write: 1MiB/s, working-set: 1GiB, phases: [{ for: 20s }, { for: 40s, write: 250%, read: 0% }] } }',
    );
    expect(vcpu!.phases).toEqual([
      { atUs: 0, writeFactor: 1, readFactor: 1 },
      { atUs: 20e6, writeFactor: 2.5, readFactor: 0 },
    ]);
    expect(vcpu!.phasePeriodUs).toBe(60e6);
  });

  test('a workload that is known of all its vCPUs is shared, and its options reach it', () => {
    const [slow] = vcpusOf('{ count: 2, workload: memcached-like }');
    const [fast, other] = vcpusOf('{ count: 2, workload: { memcached-like: { intensity: 300% } } }');
    expect(fast!.classes[0]!.firstPage).toBe(other!.classes[0]!.firstPage);
    expect(fast!.classes[0]!.writesPerSecond / slow!.classes[0]!.writesPerSecond).toBeCloseTo(3, 12);
  });

  test('a dirty curve is given as durations and sizes', () => {
    const [vcpu] = vcpusOf('{ workload: { dirty-curve: { points: [[2s, 100MiB]] } } }');
    expect(vcpu!.classes[0]!.pages / (100 * MIB_PAGES)).toBeCloseTo(1, 3);
  });

  test('as a bare list it says the same; a number without a unit is one of pages', () => {
    const points = '[[125ms, 33MiB], [1s, 100MiB]]';
    const long = vcpusOf(`{ workload: { dirty-curve: { points: ${points} } } }`);
    expect(vcpusOf(`{ workload: { dirty-curve: ${points} } }`)).toEqual(long);
    const inPages = `[[125ms, ${33 * MIB_PAGES}], [1s, ${100 * MIB_PAGES}]]`;
    expect(vcpusOf(`{ workload: { dirty-curve: ${inPages} } }`)).toEqual(long);
  });
});

describe('what is left out', () => {
  const { setup, policy, strategies, expect: expectations } = parseGroup('{}');

  test('QEMU has defaults for, and they apply', () => {
    expect(setup.migration).toMatchObject({
      qemu: '10.0',
      maxBandwidth: 128 * 2 ** 20,
      downtimeLimitMs: 300,
      availSwitchoverBandwidth: 0,
      throttleTriggerThreshold: 50,
      returnPath: false,
      pauseBeforeSwitchover: false,
      manualDirtyLogProtect: true,
      clearBitmapShift: 18,
      postcopy: false,
    });
    expect(setup.migration.stream?.kind).toBe('plain');
    expect(setup.migration.giveUpAfterUs).toBe(600e6);
  });

  test('is plain pre-copy, watched by nobody, expected to do nothing, on the default host', () => {
    expect(strategies.map(({ label }) => label)).toEqual(['none']);
    expect(policy.label).toBe('wait');
    expect(expectations).toEqual([]);
    expect(setup.host.name).toBe('default');
    expect(setup.guest.dirtyRingSize).toBe(0);
    expect(setup.guest.vcpus[0]!.group).toBe('idle');
  });

  test('the name is that of the file', () => {
    expect(parseGroup('{}').name).toBe('guest');
  });
});

describe('link, host and migration', () => {
  // 1500-byte frames carry 1448 bytes of payload and take 1538 on the wire.
  test('the link carries its payload only', () => {
    expect(parse(GOOD).setup.link).toMatchObject({
      bandwidthBytesPerSecond: (10e9 / 8) * (1448 / 1538),
      latencyUs: 100,
    });
    const loopback = changed('bandwidth: 10Gbit/s', 'bandwidth: 10Gbit/s, efficiency: 100%');
    expect(parse(loopback).setup.link.bandwidthBytesPerSecond).toBe(1.25e9);
  });

  test('phases of the link keep what they do not change', () => {
    const text = changed(
      'bandwidth: 10Gbit/s',
      'bandwidth: 8Gbit/s, efficiency: 100%, latency: 2ms, phases: [{ from: 5s, bandwidth: 1Gbit/s }, { from: 6s, latency: 1ms }]',
    );
    expect(parse(text).setup.link.phases).toEqual([
      { atUs: 5e6, bandwidthBytesPerSecond: 125e6, latencyUs: 2000 },
      { atUs: 6e6, bandwidthBytesPerSecond: 1e9, latencyUs: 1000 },
    ]);
  });

  test('a profile with some of its figures replaced', () => {
    const { host } = parse(
      changed('name: good', 'host: { write-fault: 700ns, ring-exit: 0.1ms, pml: false }'),
    ).setup;
    expect(host).toMatchObject({ name: 'default', writeFaultNs: 700, ringExitUs: 100, pml: false });
    expect(host.kickUs).toBe(parse(GOOD).setup.host.kickUs);
  });

  test.each([
    ['max-bandwidth: unlimited', { maxBandwidth: 0 }],
    ['max-bandwidth: 0', { maxBandwidth: 0 }],
    ['give-up-after: never', { giveUpAfterUs: 0 }],
    ['qemu: 10.0', { qemu: '10.0' }],
    ["qemu: '8.2'", { qemu: '8.2' }],
    ['qemu: 9.2', { qemu: '9.2' }],
  ])('%s', (written, meant) => {
    expect(parse(changed('max-bandwidth: 1GiB/s', written)).setup.migration).toMatchObject(meant);
  });

  test('streams: a name or a map, zero pages found where the version finds them', () => {
    const streamOf = (text: string) => parse(changed('max-bandwidth: 1GiB/s', text)).setup.migration.stream;
    expect(streamOf('stream: multifd')).toMatchObject({
      kind: 'multifd',
      channels: 2,
      zeroPageDetection: 'multifd',
    });
    expect(streamOf("qemu: '8.2', stream: multifd")).toMatchObject({ zeroPageDetection: 'legacy' });
    expect(streamOf('stream: { multifd: { channels: 8, compression: zstd } }')).toMatchObject({
      channels: 8,
      compression: 'zstd',
      compressionRatio: 2.65,
    });
    expect(streamOf('stream: { xbzrle: { cache-size: 1GiB } }')).toMatchObject({
      kind: 'xbzrle',
      xbzrleCacheBytes: 2 ** 30,
    });
  });
});

describe('expectations', () => {
  test('come out line by line, strategies by their labels, with their places', () => {
    const { expect: lines } = parse(
      changed(
        'name: good',
        "expect:\n  dirty-limit: { converges: true, reader.work-done: '>= 99%' }\n" +
          "  relations: ['dirty-limit.total-time < 0.5 * none.total-time']",
      ),
    );
    const label = 'dirty-limit(vcpu-dirty-limit=100MiB/s)';
    expect(lines.map(({ place: _, ...line }) => line)).toEqual([
      { subject: label, key: 'converges', condition: 'true' },
      { subject: label, key: 'reader.work-done', condition: '>= 99%' },
      { subject: null, key: `${label}.total-time < 0.5 * none.total-time`, condition: '' },
    ]);
    expect(lines.map(({ place }) => place)).toEqual([
      { file: 'guest.yaml', line: 2, column: 18 },
      { file: 'guest.yaml', line: 2, column: 35 },
      { file: 'guest.yaml', line: 3, column: 15 },
    ]);
  });

  test('a name that two strategies have stands for the one without options, or for none', () => {
    const two = changed('- none', '- dirty-limit');
    const withExpect = (word: string): string =>
      two.replace('name: good', `expect: { '${word}': { converges: true } }`);
    expect(parse(withExpect('dirty-limit')).expect[0]!.subject).toBe('dirty-limit');
    const both = withExpect('dirty-limit').replace(
      '- dirty-limit\n',
      '- dirty-limit: { vcpu-dirty-limit: 5MiB/s }\n',
    );
    expect(() => parse(both)).toThrow('unknown strategy "dirty-limit"');
  });
});

test('the comment that opens the file says what it is about', () => {
  const text = `# yaml-language-server: $schema=x\n# Shows: this\n# Expect: that\n\n${GOOD}# not this\n`;
  expect(parse(text).about).toBe('Shows: this\nExpect: that');
});

describe('values from the command line', () => {
  test('replace what the file says', () => {
    const scenario = parse(GOOD, [
      'guest.memory=8GiB',
      'link.bandwidth=25Gbit/s',
      'strategies=[auto-converge]',
    ]);
    expect(scenario.setup.guest.ramPages).toBe(8 * GIB_PAGES);
    expect(scenario.setup.link.bandwidthBytesPerSecond).toBeCloseTo((25e9 / 8) * (1448 / 1538), 3);
    expect(scenario.strategies.map(({ label }) => label)).toEqual(['auto-converge']);
    expect(scenario.text).toBe(GOOD);
  });

  test('reach into lists by index, and by name', () => {
    const counts = (set: string): number => parse(GOOD, [set]).setup.guest.vcpus.length;
    expect(counts('guest.vcpus.0.count=1')).toBe(2);
    expect(counts('guest.vcpus.writer.count=1')).toBe(2);
    expect(counts('guest.vcpus.reader.count=4')).toBe(6);
  });

  test('give options to a strategy, also to one that had none', () => {
    const labels = (set: string): string[] => parse(GOOD, [set]).strategies.map(({ label }) => label);
    expect(labels('strategies.dirty-limit.vcpu-dirty-limit=7MiB/s')[1]).toBe(
      'dirty-limit(vcpu-dirty-limit=7MiB/s)',
    );
    expect(labels('strategies.1.dirty-limit.vcpu-dirty-limit=7MiB/s')[1]).toBe(
      'dirty-limit(vcpu-dirty-limit=7MiB/s)',
    );
    const text = changed('- none', '- auto-converge');
    const set = 'strategies.auto-converge.cpu-throttle-initial=40';
    expect(parse(text, [set]).strategies[0]!.label).toBe('auto-converge(cpu-throttle-initial=40)');
  });

  test('make maps on the way, and options for a workload that was a name', () => {
    expect(parse(GOOD, ['host.write-fault=300ns']).setup.host.writeFaultNs).toBe(300);
    const text = changed('{ read: 2GiB/s, working-set: 256MiB }', 'database');
    const load = parse(text.replace('zero-pages: 10%', 'zero-pages: 0%'), [
      'guest.memory=16GiB',
      'guest.vcpus.reader.workload.database.load=read-16',
    ]);
    expect(load.setup.guest.vcpus[2]!.busy).toBe(1);
  });

  test('the last one wins', () => {
    const { setup } = parse(GOOD, ['guest.memory=8GiB', 'guest.memory=16GiB']);
    expect(setup.guest.ramPages).toBe(16 * GIB_PAGES);
  });
});

describe('a version that is not known', () => {
  const withQemu = (qemu: string): string =>
    changed('max-bandwidth: 1GiB/s', `max-bandwidth: 1GiB/s, qemu: ${qemu}`);

  test('takes the nearest and says so once; one that is known says nothing', () => {
    expect(parse(withQemu('9.2')).notes).toEqual([]);
    const scenario = parse(withQemu('rhel-9.4'));
    expect(scenario.setup.migration.qemu).toBe('8.2');
    expect(scenario.notes).toEqual(['rhel-9.4 runs by the rules of QEMU 8.2, the nearest that are known']);
  });

  test('says what a record rests on that was not read in its own source', () => {
    const [note, ...more] = parse(withQemu("'11.1'")).notes;
    expect(more).toEqual([]);
    expect(note).toMatch(/^the rules of QEMU 11\.1 are second-hand: /);
  });

  // hw_compat_8_0 and hw_compat_8_2 of hw/core/machine.c.
  test('a machine type brings its zero-page detection, which a setting overrides', () => {
    const detection = (rest: string): unknown =>
      parse(withQemu(`'10.2', ${rest}`)).setup.migration.stream?.zeroPageDetection;
    expect(detection('stream: multifd')).toBe('multifd');
    expect(detection('machine: pc-q35-8.2, stream: multifd')).toBe('legacy');
    expect(detection('machine: pc-q35-8.2, stream: { multifd: { zero-page-detection: multifd } }')).toBe(
      'multifd',
    );
  });
});

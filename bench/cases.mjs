/**
 * What is measured. Each case is run in a process of its own and returns figures and a hash of its results, by which two
 * versions, two machines or two runs can be compared: speed means nothing when the answer has changed.
 */
import { parseOptions } from '../dist/options/read.js';
import { createHash } from 'node:crypto';

const { bareMetal } = await import('../dist/guest/host-profiles/default.js');
const { PageMemory } = await import('../dist/guest/memory/page/page-memory.js');
const { runMigration } = await import('../dist/migration/engine.js');
const { strategies } = await import('../dist/strategies/index.js');

const GIB = 2 ** 18;
const GBIT = 1e9 / 8;

function writer(firstPage, pages, writesPerSecond, busy = 0.1) {
  const classes = [{ firstPage, pages, pattern: 'uniform', writesPerSecond, readsPerSecond: 0 }];
  return { group: 'writer', classes, busy, phases: [], phasePeriodUs: 0 };
}

/** `count` writers with a set of their own each, which together write `writesPerSecond` pages. */
function writers(count, setSize, writesPerSecond) {
  const setPages = Math.floor(setSize);
  return Array.from({ length: count }, (_, i) => writer(i * setPages, setPages, writesPerSecond / count));
}

function setupOf({ gib, vcpus, link, memory, seed = 1, ring = 0, giveUpS = 0, host = {} }) {
  return {
    name: 'bench',
    guest: {
      ramPages: gib * GIB,
      hiddenPages: 0,
      zeroExtents: [],
      dirtyRingSize: ring,
      hostPagePages: 1,
      vcpus,
    },
    // The sending thread keeps up with any link here: what is measured is the simulator.
    host: { ...bareMetal, sendNsPerPage: 0, ...host },
    link: { bandwidthBytesPerSecond: link, latencyUs: 100, phases: [] },
    migration: {
      qemu: '10.0',
      maxBandwidth: 0,
      downtimeLimitMs: 300,
      availSwitchoverBandwidth: 0,
      throttleTriggerThreshold: 50,
      returnPath: true,
      pauseBeforeSwitchover: false,
      migrateContinueDelayUs: 0,
      orchestratorContUs: 0,
      manualDirtyLogProtect: true,
      clearBitmapShift: 18,
      giveUpAfterUs: giveUpS * 1e6,
    },
    memory,
    seed,
    run: 1,
    timelineMs: 0,
    keepSyncs: false,
  };
}

/** A function that runs a setup under a strategy; options are read once, as in a sweep. */
function under(strategy, given = {}) {
  const definition = strategies[strategy];
  const options = parseOptions(definition.options, given);
  const names = { strategy, policy: 'wait' };
  return (setup, watch) => {
    const prepared = definition.prepare?.(options, setup) ?? setup;
    return runMigration(prepared, names, (migration) => {
      definition.start(options, migration);
      watch?.(migration);
    });
  };
}

class Digest {
  #hash = createHash('sha256');
  add(...values) {
    this.#hash.update(`${values.join(' ')}\n`);
  }
  addResult(result) {
    const { status, totalTimeMs, dirtySyncCount, sentBytes, vcpus } = result;
    let writes = 0;
    for (const vcpu of vcpus) writes += vcpu.writes;
    this.add(status, totalTimeMs, dirtySyncCount, sentBytes, Math.round(writes));
  }
  get text() {
    return this.#hash.digest('hex').slice(0, 12);
  }
}

/** CPU seconds of this process so far: what one core needs, whatever else the machine does. */
export function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

// ------------------------------------------------------------------------------------------------ one migration, page memory

/**
 * @returns ms for one migration in a fresh process, without starting it. `marked`: writes, writers and the pages of each, for the
 *   limit that the machine sets (limit.mjs).
 */
function pageRun(setup, stopAfterSyncs = Infinity) {
  return () => {
    const began = cpuSeconds();
    const result = under('none')({ ...setup, memory: 'page' }, (migration) => {
      migration.onSync(({ n }) => {
        if (n > stopAfterSyncs) migration.cancel('measured');
      });
    });
    const ms = (cpuSeconds() - began) * 1000;
    const digest = new Digest();
    digest.addResult(result);
    const text = `${result.dirtySyncCount} syncs, ${((result.normalPages + result.zeroPages) / 1e6).toFixed(1)} M pages sent`;
    let writes = 0;
    for (const vcpu of result.vcpus) writes += vcpu.writes;
    const { vcpus } = setup.guest;
    const marked = { pages: vcpus[0].classes[0].pages, writers: vcpus.length, writes };
    return { figure: ms, text, hash: digest.text, marked };
  };
}

/** @returns ns a write that tracking sees, over all of `gib` GiB. */
function pageWrites(gib) {
  return () => {
    const guest = setupOf({ gib, vcpus: [writer(0, gib * GIB, 1e6, 0)], link: GBIT }).guest;
    const memory = new PageMemory(guest, bareMetal, 'bitmap', 18, 1, 1);
    memory.startLogging();
    const seconds = 8;
    memory.run(0, 1e6, 1, 1);
    const began = cpuSeconds();
    memory.run(0, seconds * 1e6, 1, 1);
    const ns = ((cpuSeconds() - began) * 1e9) / memory.outcome.writes;
    const digest = new Digest();
    digest.add(memory.outcome.writes, memory.outcome.faults);
    const text = `${memory.outcome.writes / 1e6} M writes`;
    return { figure: ns, text, hash: digest.text, marked: { pages: gib * GIB } };
  };
}

/** @returns ns a page that is counted and taken off the bitmap, half of them dirty. */
function pageSends() {
  return () => {
    const gib = 32;
    const guest = setupOf({ gib, vcpus: [writer(0, gib * GIB, 1e6, 0)], link: GBIT }).guest;
    const memory = new PageMemory(guest, bareMetal, 'bitmap', 18, 1, 1);
    memory.startLogging();
    let pages = 0;
    let seconds = 0;
    for (let pass = 0; pass < 6; pass += 1) {
      const began = cpuSeconds();
      for (let run = memory.nextRun(); run > 0; run = memory.nextRun()) {
        memory.take(run);
        if (pass > 0) pages += run;
      }
      if (pass > 0) seconds += cpuSeconds() - began;
      memory.run(0, 6e6, 1, 1);
      memory.harvest();
    }
    const digest = new Digest();
    digest.add(pages);
    return {
      figure: (seconds * 1e9) / pages,
      text: `${(pages / 1e6).toFixed(1)} M pages`,
      hash: digest.text,
    };
  };
}

// ------------------------------------------------------------------------------------------------ many migrations, fluid memory

/** Of the runs of a case, the share that is run again to see its rate without start and compilation. */
const WARM_SHARE = 0.2;

/** @returns migrations a CPU second over the whole process, its start included; the text has the rate that it comes to. */
function fluidRate(count, fields, strategy = 'none', options = {}) {
  return () => {
    const migrate = under(strategy, options);
    let result;
    const batch = (runs) => {
      const digest = new Digest();
      const before = cpuSeconds();
      for (let seed = 1; seed <= runs; seed += 1) {
        result = migrate(setupOf({ ...fields, memory: 'fluid', seed }));
        digest.addResult(result);
      }
      return { rate: runs / (cpuSeconds() - before), hash: digest.text };
    };
    const { hash } = batch(count);
    const figure = count / cpuSeconds();
    const exits = result.vcpus.reduce((sum, vcpu) => sum + vcpu.ringFullExits, 0);
    const text =
      `${result.status} after ${(result.totalTimeMs / 1000).toFixed(0)} s, ${result.dirtySyncCount} syncs` +
      (result.maxThrottlePercent > 0 ? `, throttle ${result.maxThrottlePercent} %` : '') +
      (exits > 0 ? `, ${exits.toFixed(0)} ring-full exits` : '') +
      `; ${Math.round(batch(count * WARM_SHARE).rate).toLocaleString('en')} /s once warm`;
    return { figure, text, hash };
  };
}

const WARM_UP_RUNS = 3000;
const MEASURED_RUNS = 1500;

/** @returns CPU µs a migration once the code is warm. */
function fluidCost(fields) {
  return () => {
    const digest = new Digest();
    const migrate = under('none');
    let result;
    const batch = (runs) => {
      for (let seed = 1; seed <= runs; seed += 1) {
        result = migrate(setupOf({ ...fields, memory: 'fluid', seed }));
        digest.addResult(result);
      }
    };
    batch(WARM_UP_RUNS);
    const began = cpuSeconds();
    batch(MEASURED_RUNS);
    const us = ((cpuSeconds() - began) * 1e6) / MEASURED_RUNS;
    const decisions = result.dirtySyncCount;
    const text = `${(result.totalTimeMs / 1000).toFixed(0)} s simulated, ${decisions} syncs`;
    return { figure: us, text, hash: digest.text, decisions };
  };
}

const share = (link, of) => (of * link) / 4096;
const LINK = 10 * GBIT;

/** In the order of the table. `goal` and `unit` say what the figure must be; `least` when more is better. */
export const cases = [
  {
    group: 'page memory, one migration',
    unit: 'ms',
    list: [
      {
        name: '32 GiB, 100,000 writes/s on a fifth, 10 Gbit/s, converges',
        goal: 60,
        run: pageRun(setupOf({ gib: 32, vcpus: writers(4, 1.6 * GIB, 1e5), link: LINK })),
      },
      {
        name: '32 GiB, 400,000 writes/s, 10 Gbit/s, 30 passes',
        goal: 500,
        run: pageRun(setupOf({ gib: 32, vcpus: writers(4, 1.6 * GIB, 4e5), link: LINK }), 30),
      },
      {
        name: '256 GiB, 300,000 writes/s, 25 Gbit/s',
        goal: 800,
        run: pageRun(setupOf({ gib: 256, vcpus: writers(8, 6.4 * GIB, 3e5), link: 25 * GBIT })),
      },
      {
        name: '1 TiB, 64 vCPUs, 1,000,000 writes/s, 100 Gbit/s',
        goal: 1500,
        goalMib: 200,
        run: pageRun(setupOf({ gib: 1024, vcpus: writers(64, 3.2 * GIB, 1e6), link: 100 * GBIT })),
      },
    ],
  },
  {
    group: 'page memory, inner loops',
    unit: 'ns',
    list: [
      { name: 'a marked write, 32 GiB', goal: 10, goalRatio: 3, run: pageWrites(32) },
      { name: 'a marked write, 256 GiB', goal: 20, goalRatio: 3, run: pageWrites(256) },
      { name: 'a marked write, 1 TiB', goal: 50, goalRatio: 3, run: pageWrites(1024) },
      { name: 'a sent page, 32 GiB, half of them dirty', goal: 3, run: pageSends() },
    ],
  },
  {
    group: 'fluid memory, migrations per second and core, process start included',
    unit: '/s',
    least: true,
    list: [
      {
        name: '64 GiB, 4 writers on 2 GiB each, 60 % of 10 Gbit/s',
        goal: 10_000,
        run: fluidRate(30_000, { gib: 64, vcpus: writers(4, 2 * GIB, share(LINK, 0.6)), link: LINK }),
      },
      {
        name: 'the same with a dirty ring of 4096',
        goal: 10_000,
        run: fluidRate(30_000, {
          gib: 64,
          vcpus: writers(4, 2 * GIB, share(LINK, 0.6)),
          link: LINK,
          ring: 4096,
        }),
      },
      {
        name: 'the same over all of memory (16 GiB each)',
        goal: 10_000,
        run: fluidRate(30_000, { gib: 64, vcpus: writers(4, 16 * GIB, share(LINK, 0.6)), link: LINK }),
      },
      {
        name: 'auto-converge for 10 minutes, 4 writers, does not converge',
        goal: 3000,
        run: fluidRate(
          3000,
          { gib: 16, vcpus: writers(4, 2 * GIB, 1.6e6), link: GBIT, giveUpS: 600 },
          'auto-converge',
          { 'max-cpu-throttle': 90 },
        ),
      },
      {
        name: 'dirty-limit, 16 limited vCPUs, quota 1 MiB/s, converges',
        goal: 500,
        run: fluidRate(
          3000,
          { gib: 64, vcpus: writers(16, GIB, 1.6e6), link: 2 * LINK, ring: 4096, giveUpS: 600 },
          'dirty-limit',
        ),
      },
      {
        name: 'dirty-limit, 16 limited vCPUs, quota 60 MiB/s, given up after 2 minutes',
        goal: 1000,
        run: fluidRate(
          1000,
          { gib: 64, vcpus: writers(16, GIB, 1.6e6), link: LINK, ring: 4096, giveUpS: 120 },
          'dirty-limit',
          { 'vcpu-dirty-limit': '60MiB/s' },
        ),
      },
    ],
  },
  {
    // A bitmap sync takes as long in all of them: at 200 us per GiB, what four writers dirty during one of 1 TiB at 60 % of
    // 160 Gbit/s is more than the threshold, and the migration would not end.
    group: 'fluid memory, cost of a migration by guest memory (an eighth of it written at 60 % of 10 Gbit/s)',
    unit: 'us',
    list: [1, 4, 16, 64, 256, 1024].map((gib) => ({
      name: `${gib} GiB, link and speed of syncs scaled with memory`,
      run: fluidCost({
        gib,
        vcpus: writers(4, (gib / 32) * GIB, share((LINK * gib) / 64, 0.6)),
        link: (LINK * gib) / 64,
        host: { bitmapSyncUsPerGiB: (bareMetal.bitmapSyncUsPerGiB * 64) / gib },
      }),
    })),
  },
  {
    group: 'fluid memory, cost of a migration by decisions (given up after longer and longer)',
    unit: 'us',
    perDecision: true,
    list: [30, 60, 120, 240, 480].map((giveUpS) => ({
      name: `16 GiB, written faster than sent, ${giveUpS} s`,
      run: fluidCost({ gib: 16, vcpus: writers(4, GIB, share(LINK, 1.4)), link: LINK, giveUpS }),
    })),
  },
];

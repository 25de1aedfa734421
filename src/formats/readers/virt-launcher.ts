/**
 * virt-launcher's log (KubeVirt, pkg/virt-launcher/virtwrap/live-migration-source.go): `Key:value` pairs behind
 * `Migration info for`. MiB are whole; Mbps are 10^6 bit/s, but versions that divided by 8 where they should have multiplied
 * print 1/64 of it: what was processed over time shows which.
 */
import { nth } from '../../lists.js';
import { Collector, type Fields } from './lines.js';
import type { Reader } from './reader.js';
import { MIB } from '../../units.js';

const INFO = /Migration info for (\S+): ((?:[A-Za-z]+:\S+\s*)+)/;
const OTHER_UNIT = 64;

export const virtLauncherReader: Reader = {
  name: 'virt-launcher log',
  source: 'virt-launcher',
  writtenBy: 'KubeVirt and OpenShift Virtualization',
  example: 'kubectl logs virt-launcher-vm-xxxxx | migsim learn -',
  shows: 'pages, syncs, remaining, rates, the downtime',
  lacks: 'parameters; sizes are whole MiB',
  jobClock: true,
  rounded: true,
  recognises: (text) => INFO.test(text),
  read(text, file) {
    const log = new Collector(file);
    text.split('\n').forEach((line, at) => {
      const info = INFO.exec(line);
      if (info === null) return;
      const values = new Map([...nth(info, 2).matchAll(/([A-Za-z]+):([\d.]+)([A-Za-z%]*)/g)].map(pair));
      const fields = fieldsOf(values);
      if (fields === null) log.skip();
      else log.add(at + 1, { ...mended(fields, log), guest: nth(info, 1) });
    });
    const found = log.found();
    return { kind: 'samples', found };
  },
};

interface Amount {
  readonly value: number;
  readonly unit: string;
}

function pair([, key = '', number, unit = '']: RegExpExecArray): [string, Amount] {
  return [key, { value: Number(number), unit }];
}

function fieldsOf(values: ReadonlyMap<string, Amount>): Fields | null {
  const amount = (key: string): number | null => values.get(key)?.value ?? null;
  const bytes = (...keys: string[]): number | null => {
    const key = keys.find((one) => (amount(one) ?? 0) > 0) ?? nth(keys, 0);
    const found = amount(key);
    return found === null ? null : found * MIB;
  };
  const elapsed = values.get('TimeElapsed');
  const totalBytes = bytes('MemoryTotal', 'DataTotal');
  if (elapsed === undefined || totalBytes === null || totalBytes === 0) return null;
  const downtimeMs = amount('Downtime');
  const remaining = amount('MemoryRemaining');
  return {
    tUs: elapsed.value * (elapsed.unit === 's' ? 1e6 : 1000),
    status:
      downtimeMs !== null
        ? 'completed'
        : (amount('PostcopyRequests') ?? 0) > 0
          ? 'postcopy-active'
          : 'active',
    downtimeMs,
    totalBytes,
    transferredBytes: bytes('MemoryProcessed', 'DataProcessed'),
    remainingBytes: remaining === null ? null : remaining * MIB,
    mbps: amount('MemoryBandwidth') ?? 0,
    dirtyPagesRate: Math.round(((amount('DirtyRate') ?? 0) * 1e6) / 8 / 4096),
    dirtySyncCount: amount('Iteration'),
    zeroPages: amount('ConstantPages'),
    normalPages: amount('NormalPages'),
    expectedDowntimeMs: amount('ExpectedDowntime'),
    throttlePercent: amount('AutoConvergeThrottle') ?? 0,
  };
}

/** What was processed over time against the bandwidth: near 64 for the versions that divide. */
function mended(fields: Fields, log: Collector): Fields {
  const { mbps = 0, transferredBytes, tUs, dirtyPagesRate = 0 } = fields;
  if (mbps <= 0 || transferredBytes == null || tUs == null || tUs <= 0) return fields;
  const ratio = (transferredBytes * 8) / tUs / mbps;
  if (ratio < OTHER_UNIT / 4 || ratio > OTHER_UNIT * 4) return fields;
  log.note('this virt-launcher prints 1/64 of each Mbps: its rates are taken times 64');
  return { ...fields, mbps: mbps * OTHER_UNIT, dirtyPagesRate: dirtyPagesRate * OTHER_UNIT };
}

/** JobInfo of libvirt's Java binding, as CloudStack's agent logs it: `name:value`, one a line or all in one. */
import { Collector, type Fields } from './lines.js';
import type { Reader } from './reader.js';

const NAMES = ['type', 'timeElapsed', 'timeRemaining', 'dataTotal', 'dataProcessed', 'dataRemaining'];
const MEMORY = ['memTotal', 'memProcessed', 'memRemaining'];
const PAIR = new RegExp(`(?<![\\w])(${[...NAMES, ...MEMORY].join('|')})\\s*[:=]\\s*(\\d+)`, 'g');

export const cloudstackReader: Reader = {
  name: 'CloudStack job info',
  source: 'cloudstack',
  writtenBy: 'CloudStack agents, and other users of libvirt-java',
  example: 'migsim learn agent.log',
  shows: 'memory, what was sent and remains, the time',
  lacks: 'zero pages, syncs, rates and the downtime, which are derived or assumed',
  jobClock: true,
  recognises: (text) => /\btimeElapsed\s*[:=]\s*\d/.test(text) && /\bmemTotal\s*[:=]\s*\d/.test(text),
  read(text, file) {
    const log = new Collector(file);
    let job = new Map<string, number>();
    let begins = 1;
    text.split('\n').forEach((line, at) => {
      for (const [, name = '', number] of line.matchAll(PAIR)) {
        if (name === 'type' || job.has(name)) {
          close(job, begins, log);
          job = new Map();
          begins = at + 1;
        }
        job.set(name, Number(number));
      }
    });
    close(job, begins, log);
    return { kind: 'samples', found: log.found() };
  },
};

/** VIR_DOMAIN_JOB_NONE to _CANCELLED. */
const STATUSES = ['none', 'active', 'active', 'completed', 'failed', 'cancelled'];

function close(job: ReadonlyMap<string, number>, line: number, log: Collector): void {
  const totalBytes = job.get('memTotal') ?? 0;
  if (totalBytes === 0) {
    if (job.size > 0) log.skip();
    return;
  }
  const elapsed = job.get('timeElapsed');
  const fields: Fields = {
    tUs: elapsed === undefined ? null : elapsed * 1000,
    status: STATUSES[job.get('type') ?? 2] ?? 'active',
    totalBytes,
    transferredBytes: job.get('memProcessed') ?? null,
    remainingBytes: job.get('memRemaining') ?? null,
  };
  log.add(line, fields);
}

/**
 * Every throttle on a grid of guests: who writes how much of what, how fast against the bandwidth, how long a stop is
 * allowed, how large the dirty ring is. Prints what docs/predictive-restraint.md quotes.
 *
 *   npm run build && node bench/grid.mjs [--cells] [--csv FILE] [--no-pml] [--fluid]
 *
 * --cells   a line for each cell, not only the summary
 * --csv     one row a run, written to FILE
 * --no-pml  a host on which each first write to a tracked page is a fault
 * --fluid   count pages instead of drawing each write
 */
import { parseOptions } from '../dist/options/read.js';
import { writeFileSync } from 'node:fs';

const { bareMetal } = await import('../dist/guest/host-profiles/default.js');
const { runMigration } = await import('../dist/migration/engine.js');
const { strategies } = await import('../dist/strategies/index.js');
const { lostWorkSeconds } = await import('../dist/experiment/regret.js');

const MIB = 2 ** 20;
const PAGES = 256;
const GUEST_MIB = 4096;
const BANDWIDTH_MIB = 256;
const GIVE_UP_S = 120;
const DEADLINE_S = 45;
/** The first pages, which no workload touches. */
const FIRST_MIB = 64;
const READ_MIB = 256;

/** What a quota for each vCPU would be if somebody knew how many of them write: four fifths of the bandwidth between them. */
const knownQuota = ({ mix }) => Math.floor((0.8 * BANDWIDTH_MIB) / MIXES[mix].writers.length);
/** By label: a strategy and its options. */
const RIVALS = {
  'auto-converge': ['auto-converge', () => ({})],
  'ac-eager': ['auto-converge', () => ({ 'cpu-throttle-initial': 60, 'cpu-throttle-increment': 20 })],
  'dirty-limit': ['dirty-limit', () => ({})],
  'dl-quota': ['dirty-limit', (cell) => ({ 'vcpu-dirty-limit': knownQuota(cell) })],
  'dirty-restraint': ['dirty-restraint', () => ({})],
  'dr-quota': ['dirty-restraint', (cell) => ({ quota: knownQuota(cell) })],
  'dirty-quota': ['dirty-quota', () => ({})],
  'pi-throttle': ['pi-throttle', () => ({})],
  stun: ['stun', () => ({})],
};
const OURS = 'predictive-restraint';
const ALL = ['none', ...Object.keys(RIVALS), 'ac-bitmap', 'natural', OURS, 'oracle'];
/** All that are not ours, and are no bound. */
const OTHERS = [...Object.keys(RIVALS), 'ac-bitmap'];

/** Shares of the writes and of the working set that each writer has, and vCPUs that only read. */
const MIXES = {
  '1w+3r': { writers: [1], readers: 3 },
  '4w+4r': { writers: [0.7, 0.2, 0.05, 0.05], readers: 4 },
  '8w+0r': { writers: Array.from({ length: 8 }, () => 1 / 8), readers: 0 },
};
const SETS_MIB = [256, 1024];
const RATES = [1.25, 3, 8];
const DOWNTIMES_MS = [100, 300];
const RINGS = [1024, 4096, 65536];
const PATTERNS = ['uniform', 'sequential'];

function cells() {
  const all = [];
  for (const mix of Object.keys(MIXES))
    for (const pattern of PATTERNS)
      for (const setMib of SETS_MIB)
        for (const rate of RATES)
          for (const downtimeMs of DOWNTIMES_MS)
            for (const ring of RINGS) all.push({ mix, pattern, setMib, rate, downtimeMs, ring });
  return all;
}

/** Guests that the crossing does not have: hot and cold pages, one set shared by all, writers that come and go. */
function oddCells() {
  const base = { mix: '4w+4r', setMib: 1024, rate: 3, downtimeMs: 300, ring: 4096 };
  return [
    { ...base, pattern: 'hot-cold' },
    { ...base, pattern: 'hot-cold', rate: 8 },
    { ...base, pattern: 'hot-cold', mix: '8w+0r' },
    { ...base, pattern: 'shared' },
    { ...base, pattern: 'shared', mix: '8w+0r' },
    { ...base, pattern: 'bursts' },
    { ...base, pattern: 'bursts', rate: 1.25 },
    { ...base, pattern: 'bursts', mix: '1w+3r' },
  ];
}

const uniform = (firstPage, pages, writesPerSecond) => ({
  firstPage,
  pages,
  pattern: 'uniform',
  writesPerSecond,
  readsPerSecond: 0,
});

/** 10 s: writers at full speed for 7 of them, then at a tenth. */
const BURSTS = {
  phases: [
    { atUs: 0, writeFactor: 1, readFactor: 1 },
    { atUs: 7e6, writeFactor: 0.1, readFactor: 1 },
  ],
  phasePeriodUs: 10e6,
};

function classesOf(pattern, firstPage, pages, writesPerSecond) {
  if (pattern === 'sequential') return [{ ...uniform(firstPage, pages, writesPerSecond), pattern }];
  if (pattern !== 'hot-cold') return [uniform(firstPage, pages, writesPerSecond)];
  // A tenth of the pages takes nine tenths of the writes.
  const hot = Math.round(pages / 10);
  return [
    uniform(firstPage, hot, writesPerSecond * 0.9),
    uniform(firstPage + hot, pages - hot, writesPerSecond * 0.1),
  ];
}

function setupOf(cell) {
  const { writers, readers } = MIXES[cell.mix];
  const shared = cell.pattern === 'shared';
  let at = FIRST_MIB * PAGES;
  const vcpus = writers.map((share) => {
    const pages = Math.round(cell.setMib * PAGES * (shared ? 1 : share));
    const writesPerSecond = cell.rate * BANDWIDTH_MIB * PAGES * share;
    const classes = classesOf(cell.pattern, at, pages, writesPerSecond);
    if (!shared) at += pages;
    const phased = cell.pattern === 'bursts' ? BURSTS : { phases: [], phasePeriodUs: 0 };
    return { group: 'writer', classes, busy: 1, ...phased };
  });
  at = (FIRST_MIB + cell.setMib) * PAGES;
  for (let i = 0; i < readers; i += 1) {
    const reads = { ...uniform(at, READ_MIB * PAGES, 0), readsPerSecond: 1e6 };
    vcpus.push({ group: 'reader', classes: [reads], busy: 1, phases: [], phasePeriodUs: 0 });
  }
  return {
    name: nameOf(cell),
    guest: {
      ramPages: GUEST_MIB * PAGES,
      hiddenPages: 0,
      zeroExtents: [{ firstPage: 3072 * PAGES, pages: 1024 * PAGES }],
      dirtyRingSize: cell.ring,
      hostPagePages: 1,
      vcpus,
    },
    host: process.argv.includes('--no-pml') ? { ...bareMetal, pml: false } : bareMetal,
    link: { bandwidthBytesPerSecond: 1190 * MIB, latencyUs: 100, phases: [] },
    migration: {
      qemu: '10.0',
      maxBandwidth: BANDWIDTH_MIB * MIB,
      downtimeLimitMs: cell.downtimeMs,
      availSwitchoverBandwidth: 0,
      throttleTriggerThreshold: 50,
      returnPath: true,
      pauseBeforeSwitchover: false,
      migrateContinueDelayUs: 0,
      orchestratorContUs: 0,
      manualDirtyLogProtect: true,
      clearBitmapShift: 18,
      giveUpAfterUs: GIVE_UP_S * 1e6,
    },
    memory: process.argv.includes('--fluid') ? 'fluid' : 'page',
    seed: 1,
    run: 1,
    timelineMs: 0,
    keepSyncs: false,
  };
}

function nameOf({ mix, pattern, setMib, rate, downtimeMs, ring }) {
  return `${mix} ${pattern} ${setMib}MiB ${rate}x ${downtimeMs}ms ring${ring}`;
}

function run(setup, name, given = {}) {
  const definition = strategies[name];
  const options = parseOptions(definition.options, given);
  const prepared = definition.prepare?.(options, setup) ?? setup;
  const result = runMigration(prepared, { strategy: name, policy: 'wait' }, (migration) =>
    definition.start(options, migration),
  );
  return {
    converged: result.converged,
    seconds: result.totalTimeMs / 1000,
    lost: lostWorkSeconds(result),
    downtimeMs: result.downtimeMs,
    sentGib: result.sentBytes / 2 ** 30,
    stallMs: Math.max(...result.vcpus.map((v) => v.longestStallMs)),
    lostByOne: mostLost(result, 'writer'),
    lostByReader: mostLost(result, 'reader'),
  };
}

/** Work lost by the vCPU of a group that lost most, s. */
function mostLost(result, group) {
  const shares = result.vcpus.filter((v) => v.group === group).map((v) => 1 - v.workDone);
  return (Math.max(0, ...shares) * result.totalTimeMs) / 1000;
}

/** All runs of one cell, by name. `ac-bitmap` is auto-converge without a dirty ring, `natural` ours without its own syncs. */
function runCell(cell) {
  const setup = setupOf(cell);
  const deadline = { deadline: `${DEADLINE_S}s` };
  const runs = { none: run(setup, 'none') };
  for (const [label, [name, options]] of Object.entries(RIVALS))
    runs[label] = run(setup, name, options(cell));
  runs['ac-bitmap'] = run({ ...setup, guest: { ...setup.guest, dirtyRingSize: 0 } }, 'auto-converge');
  runs[OURS] = run(setup, OURS, deadline);
  runs.natural = run(setup, OURS, { ...deadline, 'sync-period': '60s' });
  runs.oracle = run(setup, 'oracle', deadline);
  return runs;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const quantile = (values, q) => [...values].sort((a, b) => a - b)[Math.floor(q * (values.length - 1))];
const fixed = (value, digits = 2) => (Number.isFinite(value) ? value.toFixed(digits) : '-');

function table(head, rows) {
  const lines = [head, head.map(() => '---'), ...rows];
  console.log(lines.map((cellsOf) => `| ${cellsOf.join(' | ')} |`).join('\n'));
}

function summary(results) {
  const rows = ALL.map((name) => {
    const runs = results.map((r) => r.runs[name]);
    const done = runs.filter((r) => r.converged);
    // Against ours, where both converged.
    const both = results.filter((r) => r.runs[name].converged && r.runs[OURS].converged);
    const ratios = both.map((r) => r.runs[OURS].lost / r.runs[name].lost);
    const regrets = results
      .filter((r) => r.runs[name].converged && r.runs.oracle.converged)
      .map((r) => r.runs[name].lost - r.runs.oracle.lost);
    return [
      name,
      `${done.length}/${runs.length}`,
      `${runs.filter((r) => r.converged && r.seconds <= DEADLINE_S).length}`,
      fixed(median(done.map((r) => r.seconds)), 1),
      fixed(median(done.map((r) => r.lost))),
      fixed(median(regrets)),
      fixed(median(done.map((r) => r.sentGib)), 1),
      fixed(median(done.map((r) => r.stallMs)), 0),
      fixed(median(done.map((r) => r.lostByOne)), 1),
      fixed(median(done.map((r) => r.lostByReader)), 1),
      fixed(median(ratios)),
      `${ratios.filter((x) => x > 1).length}`,
    ];
  });
  table(
    [
      'strategy',
      'converged',
      `by ${DEADLINE_S} s`,
      'total s',
      'lost vCPU s',
      'regret s',
      'sent GiB',
      'stall ms',
      'by one writer',
      'by one reader',
      'ours/its lost',
      'ours worse',
    ],
    rows,
  );
}

const withCells = process.argv.includes('--cells');
const csvAt = process.argv.indexOf('--csv');
const results = [];
const began = performance.now();
for (const cell of [...cells(), ...oddCells()]) {
  const runs = runCell(cell);
  results.push({ cell, runs });
  if (!withCells) continue;
  const shown = ALL.map((name) => {
    const { converged, lost, seconds } = runs[name];
    return converged ? `${fixed(lost)} (${fixed(seconds, 0)})` : 'no';
  });
  console.log([nameOf(cell).padEnd(44), ...shown.map((text) => text.padStart(12))].join(' '));
}
const crossed = results.slice(0, cells().length);
const hard = crossed.filter(({ runs }) => !runs.none.converged);
console.log(`\nAll ${crossed.length} cells of the crossing (medians over the runs that converged)\n`);
summary(crossed);
console.log(`\nThe ${hard.length} of them that do not converge by themselves\n`);
summary(hard);
console.log(`\n${results.length - crossed.length} odd guests\n`);
summary(results.slice(crossed.length));

const missed = results.filter(
  ({ runs }) => !runs[OURS].converged && OTHERS.some((name) => runs[name].converged),
);
const late = results.filter(({ runs }) => runs[OURS].converged && runs[OURS].seconds > DEADLINE_S);
const loses = results.filter(({ runs }) =>
  OTHERS.some((name) => runs[name].converged && runs[name].lost < runs[OURS].lost),
);
console.log(`\nours does not converge where another does: ${missed.length}; converges late: ${late.length}`);
for (const { cell } of [...missed, ...late]) console.log(`  ${nameOf(cell)}`);
console.log(`\nsome other throttle loses less than ours: ${loses.length}`);
for (const { cell, runs } of loses) {
  const better = OTHERS.filter((name) => runs[name].converged && runs[name].lost < runs[OURS].lost).map(
    (name) => `${name} ${fixed(runs[name].lost)}`,
  );
  console.log(`  ${nameOf(cell)}: ours ${fixed(runs[OURS].lost)}, ${better.join(', ')}`);
}
const beaten = results.filter(({ runs }) =>
  OTHERS.some((name) => runs[name].converged && runs[name].lost < 0.95 * runs.oracle.lost),
);
console.log(`\nsome throttle loses 5 % less than the oracle: ${beaten.length}`);
for (const { cell } of beaten) console.log(`  ${nameOf(cell)}`);
for (const rival of ['auto-converge', 'ac-eager', 'ac-bitmap', 'dirty-limit', 'dl-quota', 'dr-quota']) {
  const ratios = hard
    .filter(({ runs }) => runs[rival].converged && runs[OURS].converged)
    .map(({ runs }) => runs[OURS].lost / runs[rival].lost);
  const [low, high] = [quantile(ratios, 0.1), quantile(ratios, 0.9)];
  console.log(
    `\nlost work of ours over that of ${rival}: median ${fixed(median(ratios))}, 10 % to 90 %: ${fixed(low)} to ${fixed(high)} (${ratios.length} cells)`,
  );
}
console.error(`${fixed((performance.now() - began) / 1000, 0)} s`);

if (csvAt >= 0) {
  const rows = results.flatMap(({ cell, runs }) =>
    Object.entries(runs).map(([strategy, r]) =>
      [...Object.values(cell), strategy, ...Object.values(r)].join(','),
    ),
  );
  const head = [...Object.keys(results[0].cell), 'strategy', ...Object.keys(results[0].runs.none)].join(',');
  writeFileSync(process.argv[csvAt + 1], `${head}\n${rows.join('\n')}\n`);
}

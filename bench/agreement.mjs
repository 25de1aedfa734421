/**
 * Whether the fluid memory says what the page memory says: scenarios that cross strategy, tracking, pattern of writes,
 * bandwidth, downtime limit, number and mix of vCPUs, and the rule by which two sets of runs agree. Knows nothing of where
 * the simulator is: `agree.mjs` hands it the built one, the test the sources.
 */
const MIB = 256;
const GIB = 1024 * MIB;
const PAGE_BYTES = 4096;

/** What a memory may be off by where the page memory itself hardly varies. */
const TOLERANCE = 0.02;

/** Strategy, options, ring size, and manual dirty-log protect. */
const TREATMENTS = {
  'none, bitmap': { strategy: 'none', ring: 0, load: 0.5 },
  'none, bitmap without manual protect': { strategy: 'none', ring: 0, manual: false, load: 0.5 },
  'none, ring': { strategy: 'none', ring: 4096, load: 0.5 },
  'none, bitmap, too fast': { strategy: 'none', ring: 0, load: 1.3 },
  'auto-converge, bitmap': { strategy: 'auto-converge', ring: 0, load: 1.5 },
  'auto-converge, ring': { strategy: 'auto-converge', ring: 4096, load: 1.5 },
  'dirty-limit': { strategy: 'dirty-limit', quotaShare: 0.6, ring: 4096, load: 1.5 },
  'dirty-limit, small ring': { strategy: 'dirty-limit', quotaShare: 0.3, ring: 1024, load: 2.2 },
  'dirty-restraint': { strategy: 'dirty-restraint', quotaShare: 0.5, ring: 4096, load: 1.5 },
};

/** How one writer's rate spreads over its pages. */
const PATTERNS = {
  uniform: (first, pages, rate) => [accessClass(first, pages, rate)],
  sequential: (first, pages, rate) => [accessClass(first, pages, rate, 'sequential')],
  'hot-cold': (first, pages, rate) => {
    const hot = Math.round(pages / 8);
    return [accessClass(first, hot, rate * 0.75), accessClass(first + hot, pages - hot, rate * 0.25)];
  },
  mixed: (first, pages, rate) => {
    const half = Math.round(pages / 2);
    return [
      accessClass(first, half, rate * 0.4),
      accessClass(first + half, pages - half, rate * 0.6, 'sequential'),
    ];
  },
};

/** Each writer's share of all writes; whether they share their pages; how many vCPUs only read; whether costs slow them. */
const MIXES = {
  '1 writer': { writers: [1], readers: 0, busy: 1 },
  '4 writers': { writers: [0.25, 0.25, 0.25, 0.25], readers: 0, busy: 1 },
  '2 writers, 4 readers': { writers: [0.8, 0.2], readers: 4, busy: 0.5 },
  '4 writers on one set': { writers: [0.4, 0.3, 0.2, 0.1], readers: 1, busy: 1, shared: true },
  '12 writers': { writers: Array.from({ length: 12 }, () => 1 / 12), readers: 0, busy: 0.9 },
};

/** Bandwidth of the link and of the migration, bytes/s (0: no limit of its own), and the downtime limit, ms. */
export const LINKS = [
  { link: 1.18e9, maxBandwidth: 0, downtimeMs: 300 },
  { link: 2.9e9, maxBandwidth: 4e8, downtimeMs: 300 },
  { link: 1.18e9, maxBandwidth: 9e8, downtimeMs: 150 },
  { link: 6e8, maxBandwidth: 0, downtimeMs: 600 },
];

function accessClass(firstPage, pages, writesPerSecond, pattern = 'uniform') {
  return { firstPage, pages, pattern, writesPerSecond, readsPerSecond: writesPerSecond / 10 };
}

/** Every treatment with every pattern twice; mixes and links in turn, so that every two values of any kind meet. */
export function scenarios() {
  const mixes = Object.keys(MIXES);
  return Object.keys(TREATMENTS).flatMap((treatment, t) =>
    Object.keys(PATTERNS).flatMap((pattern, p) =>
      [0, 1].map((turn) => {
        const mix = mixes[(t + p + turn) % mixes.length];
        return scenario(treatment, pattern, mix, LINKS[(3 * t + p) % LINKS.length]);
      }),
    ),
  );
}

/** `scale`, a power of two, divides sizes and bandwidths, so that durations stay: for tests. */
export function scenario(treatmentName, patternName, mixName, path, scale = 1) {
  const treatment = TREATMENTS[treatmentName];
  const mix = MIXES[mixName];
  const link = path.link / scale;
  const maxBandwidth = path.maxBandwidth / scale;
  const bandwidth = maxBandwidth === 0 ? link : Math.min(link, maxBandwidth);
  const rate = (treatment.load * bandwidth) / PAGE_BYTES;
  // The set begins and ends inside a clear chunk of 1 GiB.
  const setPages = Math.round((mix.shared ? 1.1 * GIB : 1.6 * GIB) / scale);
  let at = Math.round((0.7 * GIB) / scale);
  const vcpus = mix.writers.map((share) => {
    const pages = mix.shared ? setPages : Math.round(setPages / mix.writers.length);
    const classes = PATTERNS[patternName](at, pages, rate * share);
    if (!mix.shared) at += pages;
    return { group: 'writer', classes, busy: mix.busy, phases: [], phasePeriodUs: 0 };
  });
  const readFrom = Math.round((2.5 * GIB) / scale);
  for (let i = 0; i < mix.readers; i += 1) {
    const reads = { ...accessClass(readFrom, Math.round((256 * MIB) / scale), 0), readsPerSecond: 1e6 };
    vcpus.push({ group: 'reader', classes: [reads], busy: 0.3, phases: [], phasePeriodUs: 0 });
  }
  const quota = Math.max(
    1,
    Math.round(((treatment.quotaShare ?? 0) * bandwidth) / 2 ** 20 / mix.writers.length),
  );
  const options = {
    'dirty-limit': { 'vcpu-dirty-limit': `${quota}MiB/s` },
    'dirty-restraint': { quota: `${quota}MiB/s` },
  };
  return {
    treatment: treatmentName,
    pattern: patternName,
    mix: mixName,
    path,
    strategy: treatment.strategy,
    options: options[treatment.strategy] ?? {},
    setup: {
      name: 'agreement',
      guest: {
        ramPages: Math.round((4 * GIB) / scale),
        hiddenPages: 3000,
        zeroExtents: [{ firstPage: Math.round((3 * GIB) / scale), pages: Math.round((0.75 * GIB) / scale) }],
        dirtyRingSize: treatment.ring,
        hostPagePages: 1,
        vcpus,
      },
      link: { bandwidthBytesPerSecond: link, latencyUs: 100, phases: [] },
      migration: {
        qemu: '10.0',
        maxBandwidth,
        downtimeLimitMs: path.downtimeMs,
        availSwitchoverBandwidth: 0,
        throttleTriggerThreshold: 50,
        returnPath: true,
        pauseBeforeSwitchover: false,
        migrateContinueDelayUs: 0,
        orchestratorContUs: 0,
        manualDirtyLogProtect: treatment.manual ?? true,
        clearBitmapShift: 18 - Math.log2(scale),
        giveUpAfterUs: 60e6,
      },
      timelineMs: 0,
      keepSyncs: true,
    },
  };
}

export function nameOf({ treatment, pattern, mix, path }) {
  const limit = path.maxBandwidth === 0 ? '' : `, limited to ${path.maxBandwidth / 1e6} MB/s`;
  return `${treatment}; ${pattern}; ${mix}; ${path.link / 1e9} GB/s${limit}; ${path.downtimeMs} ms`;
}

/** Both memories over the same seeds. `simulate(setup, strategy, options)` returns a `MigrationResult`. */
export function compare(one, simulate, seeds) {
  const runs = { page: [], fluid: [] };
  for (const memory of ['page', 'fluid']) {
    for (let seed = 1; seed <= seeds; seed += 1) {
      runs[memory].push(simulate({ ...one.setup, memory, seed, run: 1 }, one.strategy, one.options));
    }
  }
  const time = within(runs, (result) => result.totalTimeMs);
  const syncs = within(runs, (result) => result.dirtySyncCount);
  const sent = within(runs, (result) => result.sentBytes);
  const verdict = same(runs, (result) => result.status);
  const ladder = same(runs, ladderOf, sameLadder);
  const sleep = within(runs, (result) => result.maxRingFullSleepUs);
  const agrees = [time, syncs, sent, verdict, ladder, sleep].every((judged) => judged.agrees);
  return { one, time, syncs, sent, verdict, ladder, sleep, agrees };
}

/**
 * The fluid memory's median over the seeds against the page memory's own: it agrees inside the band that holds 90 % of the
 * page memory's runs, or within 2 % of their median.
 */
function within(runs, of) {
  const page = runs.page.map(of).sort((a, b) => a - b);
  const fluid = median(runs.fluid.map(of).sort((a, b) => a - b));
  const low = page[Math.floor(0.05 * (page.length - 1))];
  const high = page[Math.ceil(0.95 * (page.length - 1))];
  const middle = median(page);
  const off = middle === 0 ? (fluid === 0 ? 0 : 1) : fluid / middle - 1;
  return {
    page: middle,
    low,
    high,
    fluid,
    off,
    agrees: (fluid >= low && fluid <= high) || Math.abs(off) <= TOLERANCE,
  };
}

/** What most fluid runs say must be what some page runs say, and the other way round. */
function same(runs, of, equal = (a, b) => a === b) {
  const page = mostFrequent(runs.page.map(of));
  const fluid = mostFrequent(runs.fluid.map(of));
  const agrees =
    runs.page.some((result) => equal(of(result), fluid)) &&
    runs.fluid.some((result) => equal(of(result), page));
  return { page, fluid, agrees };
}

/**
 * Step by step. A percentage that is computed from a vCPU's ring entries of one second (dirty-restraint) may be off by one
 * point: a ring fill more or less falls into that second.
 */
function sameLadder(a, b) {
  const steps = [a, b].map((ladder) => ladder.split(' ').map(Number));
  return (
    steps[0].length === steps[1].length && steps[0].every((step, i) => Math.abs(step - steps[1][i]) <= 1)
  );
}

/** The throttle percentages that were reached, one after the other. */
function ladderOf(result) {
  const steps = [];
  for (const { throttlePercent } of result.syncs) {
    if (throttlePercent !== (steps.at(-1) ?? 0)) steps.push(throttlePercent);
  }
  return steps.join(' ');
}

function median(sorted) {
  return sorted[sorted.length >> 1];
}

function mostFrequent(values) {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0][0];
}

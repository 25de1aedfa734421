/** The same migration as simgrid-migrations.cpp, by migsim: prints migrations and mean simulated seconds of one. */
import { runMigration } from '../../dist/migration/engine.js';
import { hostProfiles } from '../../dist/guest/host-profiles/index.js';

const LINK_BYTES_PER_SECOND = 1.17e9;
const GIB_PAGES = 2 ** 18;
const VCPUS = 4;
const WORKING_SET_PAGES = 2 * GIB_PAGES;

const setup = {
  name: 'peer',
  memory: 'fluid',
  seed: 1,
  run: 1,
  timelineMs: 0,
  keepSyncs: false,
  host: hostProfiles.default,
  guest: {
    ramPages: 64 * GIB_PAGES,
    hiddenPages: 0,
    zeroExtents: [],
    dirtyRingSize: 0,
    hostPagePages: 1,
    vcpus: Array.from({ length: VCPUS }, (_, i) => ({
      group: 'writer',
      busy: 1,
      catchesUp: false,
      phases: [],
      phasePeriodUs: 0,
      classes: [
        {
          firstPage: i * WORKING_SET_PAGES,
          pages: WORKING_SET_PAGES,
          pattern: 'uniform',
          writesPerSecond: (0.6 * LINK_BYTES_PER_SECOND) / 4096 / VCPUS,
          readsPerSecond: 0,
        },
      ],
    })),
  },
  link: { bandwidthBytesPerSecond: LINK_BYTES_PER_SECOND, latencyUs: 100, phases: [] },
  migration: {
    qemu: '10.0',
    maxBandwidth: 0,
    downtimeLimitMs: 300,
    availSwitchoverBandwidth: 0,
    throttleTriggerThreshold: 50,
    returnPath: false,
    pauseBeforeSwitchover: false,
    migrateContinueDelayUs: 0,
    orchestratorContUs: 0,
    manualDirtyLogProtect: true,
    clearBitmapShift: 18,
    giveUpAfterUs: 600e6,
  },
};

const count = Number(process.argv[2] ?? 1000);
let simulatedMs = 0;
for (let run = 1; run <= count; run += 1) {
  simulatedMs += runMigration({ ...setup, run }, { strategy: 'none', policy: 'wait' }, () => {}).totalTimeMs;
}
console.log(`${count} ${(simulatedMs / 1000 / count).toFixed(3)}`);

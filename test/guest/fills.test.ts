/** Full rings under a dirty limit: passed in one loop, they are what they are one by one. Times in us. */
import { expect } from '@jest/globals';
import { fc, test as property } from '@fast-check/jest';
import { Guest } from '../../src/guest/guest.js';
import { FluidMemory } from '../../src/guest/memory/fluid/fluid-memory.js';
import type { AccessClass, GuestSpec, HostProfile } from '../../src/guest/spec.js';
import { MIB, freeHost, vcpuWith } from '../migration/setups.js';

interface Class {
  readonly pattern: AccessClass['pattern'];
  readonly writesPerSecond: number;
  readonly readsPerSecond: number;
}
interface Limited {
  readonly seed: number;
  readonly classes: readonly (readonly Class[])[];
  readonly host: Pick<
    HostProfile,
    'ringExitUs' | 'ringEntryNs' | 'writeFaultNs' | 'wakeLatencyUs' | 'vcpuColdUs'
  >;
  readonly speed: number;
  readonly sleepUs: number;
  /** From one look at the guest to the next, and whether the rings are emptied there. */
  readonly steps: readonly { readonly us: number; readonly reap: boolean }[];
}

const PAGES = 64 * MIB;

function guestOf({ seed, classes, host, speed }: Limited): Guest {
  const vcpus = classes.map((list, vcpu) =>
    vcpuWith(
      list.map((one, i) => ({ ...one, firstPage: (2 * vcpu + i) * PAGES, pages: PAGES, startOffset: 0 })),
    ),
  );
  const spec: GuestSpec = {
    ramPages: 2 * classes.length * PAGES,
    hiddenPages: 0,
    zeroExtents: [],
    dirtyRingSize: 1024,
    hostPagePages: 1,
    vcpus,
  };
  const profile = { ...freeHost, ...host };
  const memory = new FluidMemory(spec, profile, 'ring', 18, seed, 1);
  memory.startLogging();
  const guest = new Guest(spec, profile, memory, 0, seed, 1);
  guest.speed = speed;
  guest.setLimited(true);
  return guest;
}

/** All that can be seen of it at each step, of which `prepare` sees to it how its rings are passed. */
function story(limited: Limited, prepare: (guest: Guest) => void): readonly unknown[] {
  const guest = guestOf(limited);
  prepare(guest);
  for (const vcpu of guest.vcpus) vcpu.ringSleepUs = limited.sleepUs;
  let timeUs = 0;
  return limited.steps.map(({ us, reap }) => {
    guest.advance((timeUs += us));
    const entries = reap ? guest.reapAll() : 0;
    const vcpus = guest.vcpus.map((vcpu) => ({ ...vcpu }));
    return {
      entries,
      vcpus,
      reaped: vcpus.map(({ id }) => guest.memory.reapedPages(id)),
      dirty: guest.memory.harvest(),
    };
  });
}

const classes = fc.record({
  pattern: fc.constantFrom('uniform' as const, 'sequential' as const),
  writesPerSecond: fc.double({ min: 1e4, max: 1e6, noNaN: true }),
  readsPerSecond: fc.double({ min: 0, max: 1e6, noNaN: true }),
});

const limitedGuests = fc.record({
  seed: fc.integer({ min: 1, max: 1000 }),
  classes: fc.array(fc.array(classes, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 3 }),
  host: fc.record({
    ringExitUs: fc.double({ min: 0, max: 50, noNaN: true }),
    ringEntryNs: fc.double({ min: 0, max: 100, noNaN: true }),
    writeFaultNs: fc.double({ min: 0, max: 2000, noNaN: true }),
    wakeLatencyUs: fc.double({ min: 0, max: 100, noNaN: true }),
    vcpuColdUs: fc.double({ min: 0, max: 50, noNaN: true }),
  }),
  speed: fc.double({ min: 0.2, max: 1, noNaN: true }),
  sleepUs: fc.oneof(fc.constant(0), fc.double({ min: 1, max: 1e5, noNaN: true })),
  steps: fc.array(fc.record({ us: fc.double({ min: 1, max: 4e5, noNaN: true }), reap: fc.boolean() }), {
    minLength: 1,
    maxLength: 8,
  }),
});

/** Work that is watched is done stretch by stretch, and who listens is told of each exit before the next. */
property.prop([limitedGuests], { numRuns: 60 })(
  'watched or listened to, a limited guest does the same to the bit',
  (limited) => {
    const alone = story(limited, () => {});
    expect(story(limited, (guest) => void (guest.onRingFull = () => {}))).toStrictEqual(alone);
    expect(story(limited, (guest) => guest.watch(0, 1e9))).toStrictEqual(alone);
  },
);

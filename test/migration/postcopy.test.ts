/** Post-copy from the switch to its end. */
import { describe, expect, test } from '@jest/globals';
import { bareMetal } from '../../src/guest/host-profiles/default.js';
import { MIB, migrate, reader, setupOf } from './setups.js';

describe('post-copy', () => {
  /**
   * 128 MiB at 50 MB/s take 2.7 s, and what was sent before the switch comes off that. In the fluid memory counts of pages
   * are no whole numbers: a rounding error must not be waited for.
   */
  test.each(['page', 'fluid'] as const)('%s memory: it ends when nothing is left to send', (memory) => {
    for (let startMs = 300; startMs < 400; startMs += 1) {
      const later = startMs - 300;
      const setup = setupOf({
        guest: { ramPages: 128 * MIB, vcpus: [reader(0, 100, 1000 + later)] },
        host: bareMetal,
        link: { bandwidthBytesPerSecond: 6e7 + later * 1e4, latencyUs: 100 },
        migration: { qemu: '8.2', downtimeLimitMs: 30, postcopy: true, maxPostcopyBandwidth: 5e7 },
        memory,
        seed: later,
      });
      const result = migrate(setup, 'none', {}, (controls) => {
        controls.after(startMs, () => controls.startPostcopy());
        controls.every(5000, () => {
          if (controls.nowUs() > 60e6) throw new Error(`no end, begun at ${startMs} ms`);
        });
      });
      expect(result.status).toBe('completed');
      expect(result.totalTimeMs).toBeLessThan(3000);
      // Each page went once: the guest wrote none.
      expect(result.normalPages + result.zeroPages).toBeCloseTo(setup.guest.ramPages, 6);
    }
  });
});

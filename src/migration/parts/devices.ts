/** The VFIO devices of the guest on their way: what of their state is left, as QEMU last heard it and as it is. */
import { mapped } from '../../lists.js';
import type { DeviceSpec } from '../../guest/spec.js';
import { BLOCK_OVERHEAD_BYTES, blockBytes, pendingEstimateOf, pendingExactOf } from '../rules/vfio.js';
import type { VersionFacts } from '../rules/versions.js';

const { max, min } = Math;

interface Device {
  readonly spec: DeviceSpec;
  /** As last queried, less what was sent since. */
  initial: number;
  dirty: number;
  readonly stopOnly: number;
  /** What has changed since the device reported it last. */
  sinceUs: number;
}

export class Devices {
  readonly #version: VersionFacts;
  readonly #devices: Device[];

  constructor(specs: readonly DeviceSpec[], version: VersionFacts) {
    this.#version = version;
    this.#devices = mapped(specs, (spec) => ({
      spec,
      initial: spec.preCopyBytes,
      dirty: 0,
      stopOnly: spec.stopCopyBytes,
      sinceUs: 0,
    }));
  }

  get none(): boolean {
    return this.#devices.length === 0;
  }

  /** vfio_state_pending_estimate, over all devices, bytes. */
  estimate(): number {
    return this.#devices.reduce((sum, device) => sum + pendingEstimateOf(device, this.#version), 0);
  }

  /** vfio_state_pending_exact, over all devices, bytes: each is asked how much has changed. */
  exact(nowUs: number): number {
    return this.#devices.reduce((sum, device) => {
      look(device, nowUs);
      return sum + pendingExactOf(device, this.#version);
    }, 0);
  }

  /**
   * savevm.c:qemu_savevm_state_iterate behind RAM: one block of each device. Returns the bytes; up to 8.2 a section that is
   * not done holds up those behind it, RAM all devices and a device the next.
   */
  iterate(ramIsDone: boolean): { readonly bytes: number; readonly us: number } {
    let bytes = 0;
    let us = 0;
    if (!ramIsDone && this.#version.unfinishedHoldsUp) return { bytes, us };
    for (const device of this.#devices) {
      const block = blockBytes(device);
      const fromInitial = min(block, device.initial);
      device.initial -= fromInitial;
      device.dirty -= block - fromInitial;
      bytes += block > 0 ? block + BLOCK_OVERHEAD_BYTES : 0;
      us += ownUs(device, block);
    }
    return { bytes, us };
  }

  /** vfio_vmstate_change: the devices stop one after the other, and start likewise, µs. */
  get stopUs(): number {
    return this.#devices.reduce((sum, { spec }) => sum + spec.stopUs, 0);
  }

  get startUs(): number {
    return this.#devices.reduce((sum, { spec }) => sum + spec.startUs, 0);
  }

  /** vfio_save_complete_precopy: what is left of all devices when the guest has stopped at `nowUs`, and how long they take. */
  complete(nowUs: number): { readonly bytes: number; readonly us: number } {
    let bytes = 0;
    let us = 0;
    for (const device of this.#devices) {
      look(device, nowUs);
      const left = device.initial + device.dirty + device.stopOnly;
      bytes += left;
      us += ownUs(device, left);
    }
    return { bytes, us };
  }
}

/** The device reports how much of its state has changed: no more than all that pre-copy sends. */
function look(device: Device, nowUs: number): void {
  const { preCopyBytes, dirtyBytesPerSecond } = device.spec;
  const changed = (dirtyBytesPerSecond * max(0, nowUs - device.sinceUs)) / 1e6;
  device.dirty = min(device.dirty + changed, max(0, preCopyBytes - device.initial));
  device.sinceUs = nowUs;
}

/** Time that the device itself takes to hand over a number of bytes, µs. */
function ownUs({ spec }: Device, bytes: number): number {
  return spec.bytesPerSecond > 0 ? (bytes / spec.bytesPerSecond) * 1e6 : 0;
}

/** A bare-metal x86 server. Where each figure comes from: docs/host-profiles.md. */
import type { HostProfile } from '../spec.js';

export const bareMetal: HostProfile = {
  name: 'default',
  summary:
    'bare-metal Intel x86 server with PML, a current kernel and QEMU, TCP to a machine of the same kind',
  source: 'Linux and QEMU commit messages where they give figures, else estimates; see docs/host-profiles.md',
  pml: true,
  writeFaultNs: 1000,
  pmlNsPerPage: 50,
  splitUs: 0,
  ringPushesEveryWrite: false,
  ringExitUs: 60,
  ringEntryNs: 10,
  bitmapSyncUsPerGiB: 40,
  syncFixedUs: 200,
  kickUs: 15,
  setupFixedUs: 2000,
  setupUsPerGiBBitmap: 80,
  setupUsPerGiBRing: 16_000,
  sendNsPerPage: 2000,
  zeroNsPerPage: 450,
  wakeLatencyUs: 60,
  stopUs: 500,
  blockFlushUs: 2000,
  deviceStateBytes: 128 * 1024,
  deviceStateBytesPerVcpu: 16 * 1024,
  deviceSaveUs: 2000,
  deviceSaveUsPerVcpu: 100,
  destinationLoadUs: 5000,
  destinationLoadUsPerVcpu: 100,
  destinationStartUs: 2000,
};

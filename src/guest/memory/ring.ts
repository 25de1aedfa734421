/** The dirty ring's own arithmetic. */

/** Entries KVM keeps in reserve (arch/x86 and virt/kvm/dirty_ring.c:kvm_dirty_ring_get_rsvd_entries): 64, and 512 more for PML. */
export function ringReservedEntries(pml: boolean): number {
  return pml ? 64 + 512 : 64;
}

/** Entries at which a vCPU leaves for a full ring (kvm_dirty_ring_soft_full). */
export function ringSoftLimit(ringSize: number, pml: boolean): number {
  return ringSize - ringReservedEntries(pml);
}

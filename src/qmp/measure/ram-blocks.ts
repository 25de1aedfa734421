/** The table of RAM blocks that QEMU prints (`info ramblock`, `x-query-ramblock`): text, as QEMU has no other form of it. */
import { unitFactor } from '../../units.js';

/** A part of the guest's address space that migrates. */
export interface RamBlock {
  readonly name: string;
  /** Page size of the memory behind it on the host. */
  readonly pageBytes: number;
  /** What is migrated of it. */
  readonly usedBytes: number;
}

const HEX = '0x[0-9a-f]+';
const ROW = new RegExp(
  `^\\s*(\\S.*?)\\s+(\\d+) ([KMG]?i?B)\\s+${HEX}\\s+(${HEX})\\s+${HEX}(?:\\s+${HEX}\\s+r[ow])?\\s*$`,
  'i',
);

/** system/physmem.c, ram_block_format: name, page size, offset, used, total; later versions add the host address and `ro` or `rw`. */
export function parseRamBlocks(text: string): RamBlock[] {
  return text.split('\n').flatMap((line): RamBlock[] => {
    const [, name, size, unit, used] = ROW.exec(line) ?? [];
    if (name === undefined || size === undefined || unit === undefined || used === undefined) return [];
    return [{ name, pageBytes: Number(size) * (unitFactor(unit)?.factor ?? 1), usedBytes: Number(used) }];
  });
}

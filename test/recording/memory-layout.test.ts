import { describe, expect, test } from '@jest/globals';
import { memoryLayout } from '../../src/recording/learn/memory-layout.js';

const RAM = 256_000;

describe('where a learned guest lies', () => {
  test('long stretches of zero pages stay, the room for the load is the longest gap between them', () => {
    const layout = memoryLayout(RAM, 100_000, [
      { firstPage: 0, pages: 40_000 },
      { firstPage: 45_000, pages: 10_000 },
      { firstPage: 200_000, pages: 50_000 },
    ]);
    // 5,000 pages before 45,000 and 6,000 at the end are in use as well; between 55,000 and 200,000 are far more.
    expect(layout).toEqual({
      zero: [
        { firstPage: 0, pages: 40_000 },
        { firstPage: 45_000, pages: 10_000 },
        { firstPage: 200_000, pages: 50_000 },
      ],
      roomFirstPage: 55_000,
      roomPages: 145_000,
    });
  });

  test('what short stretches hold is added behind the room: no zero page is lost', () => {
    const layout = memoryLayout(RAM, 60_300, [
      { firstPage: 0, pages: 40_000 },
      { firstPage: 80_000, pages: 200 },
      { firstPage: 90_000, pages: 100 },
      { firstPage: 236_000, pages: 20_000 },
    ]);
    expect(layout.zero).toEqual([
      { firstPage: 0, pages: 40_000 },
      { firstPage: 235_700, pages: 20_300 },
    ]);
    expect(layout).toMatchObject({ roomFirstPage: 40_000, roomPages: 195_700 });
  });

  test('stretches that reach into ROMs and video memory end with RAM', () => {
    const layout = memoryLayout(RAM, 10_000, [{ firstPage: 246_000, pages: 14_000 }]);
    expect(layout.zero).toEqual([{ firstPage: 246_000, pages: 10_000 }]);
  });

  test.each([
    [
      'memory in use is scattered',
      Array.from({ length: 10 }, (_, i) => ({ firstPage: i * 25_600, pages: 10_000 })),
    ],
    ['no place is known', []],
  ])('where %s, all zero pages lie at the end', (_, extents) => {
    expect(memoryLayout(RAM, 100_000, extents)).toEqual({
      zero: [{ firstPage: 156_000, pages: 100_000 }],
      roomFirstPage: 0,
      roomPages: 156_000,
    });
  });
});

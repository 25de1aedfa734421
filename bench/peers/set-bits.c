/*
 * What this machine does at best: the page memory's marked write in C. Pages are drawn by the same generator and the same
 * unbiased method, a bit of each is set, and those that were clear are counted. Several writers, each with so many pages of
 * its own, take turns of a thousand writes, as the vCPUs of a guest do between two clears.
 *
 *   set-bits PAGES WRITERS WRITES      prints ns of CPU time per write, and the writes that were new
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint32_t s[4] = {1, 2, 3, 4};

static uint32_t next(void) {
  const uint32_t sum = s[0] + s[3], drawn = ((sum << 7) | (sum >> 25)) + s[0], shifted = s[1] << 9;
  s[2] ^= s[0], s[3] ^= s[1], s[1] ^= s[2], s[0] ^= s[3], s[2] ^= shifted;
  s[3] = (s[3] << 11) | (s[3] >> 21);
  return drawn;
}

enum { TURN = 1000 };

static long write_pages(uint32_t *bits, uint32_t pages, long writes) {
  const uint32_t least = -pages % pages;
  long fresh = 0;
  for (long left = writes; left > 0; left -= 1) {
    uint64_t product;
    do product = (uint64_t)next() * pages;
    while ((uint32_t)product < least);
    const uint32_t page = product >> 32, word = bits[page >> 5];
    fresh += !((word >> (page & 31)) & 1);
    bits[page >> 5] = word | 1u << (page & 31);
  }
  return fresh;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  const uint32_t pages = strtoul(argv[1], NULL, 10), words = pages / 32 + 1;
  const long writers = atol(argv[2]), turns = atol(argv[3]) / TURN;
  uint32_t *bits = calloc(writers * words, 4);
  if (bits == NULL) return 1;
  long fresh = 0;
  clock_t began = 0;
  for (long turn = -turns / 8; turn < turns; turn += 1) {
    if (turn == 0) began = clock();
    fresh += write_pages(bits + (turn + turns) % writers * words, pages, TURN);
  }
  printf("%.3f %ld\n", (double)(clock() - began) * (1e9 / CLOCKS_PER_SEC) / (turns * TURN), fresh);
}

// Three copies of a loop body with branches, a subprogram, and text that HTML
// must not take for its own.
static long (*random32)(void) = (void *)7;

static __attribute__((noinline)) int step(int offset) {
  return random32() & 1 ? offset + 16 : offset;
}

__attribute__((section("xdp"))) int walk(void *context) {
  int offset = 0;
#pragma unroll
  for (int i = 0; i < 3; ++i)
    if (random32() & 1)
      offset += random32() & 15;
  return step(offset) + "<b>&\"'</b>"[offset & 7];
}

__attribute__((section("xdp"))) int other(void *context) { return 1; }

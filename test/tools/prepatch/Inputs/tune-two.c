// Two programs with numbers that are carried over several joins.
static long (*random32)(void) = (void *)7;

#define STEP(N)                                                                \
  if (random32() & 1)                                                          \
    sum += N;                                                                  \
  else                                                                         \
    other ^= sum;

__attribute__((section("xdp"))) int first(void *context) {
  long sum = random32(), other = 3;
  STEP(5) STEP(7) STEP(11) STEP(13) STEP(17)
  return sum + other;
}

__attribute__((section("xdp"))) int second(void *context) {
  long sum = random32(), other = 1;
  STEP(3) STEP(9) STEP(27)
  return sum - other;
}

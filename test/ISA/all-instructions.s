# Check that prepatch shows every instruction that LLVM assembles. The text of each
# is compared byte for byte with what LLVM makes of it in test/unit/ISA.
# RUN: %mc-bpf %s -o %t.o
# RUN: prepatch dump --no-source %t.o | FileCheck %s
# RUN: llvm-mc -triple bpfeb -mcpu=v4 -filetype=obj %s -o %t.eb.o
# RUN: prepatch dump --no-source %t.eb.o | FileCheck %s

# CHECK-LABEL: function every (entry)
	.section socket,"ax"
	.globl every
	.type every,@function
every:
Here:
	r1 += -7
# CHECK: {{^}}    r1 += -7{{$|  #}}
	r1 += r2
# CHECK-NEXT: {{^}}    r1 += r2{{$|  #}}
	r1 -= -7
# CHECK-NEXT: {{^}}    r1 -= -7{{$|  #}}
	r1 -= r2
# CHECK-NEXT: {{^}}    r1 -= r2{{$|  #}}
	r1 *= -7
# CHECK-NEXT: {{^}}    r1 *= -7{{$|  #}}
	r1 *= r2
# CHECK-NEXT: {{^}}    r1 *= r2{{$|  #}}
	r1 /= -7
# CHECK-NEXT: {{^}}    r1 /= -7{{$|  #}}
	r1 /= r2
# CHECK-NEXT: {{^}}    r1 /= r2{{$|  #}}
	r1 s/= -7
# CHECK-NEXT: {{^}}    r1 s/= -7{{$|  #}}
	r1 s/= r2
# CHECK-NEXT: {{^}}    r1 s/= r2{{$|  #}}
	r1 |= -7
# CHECK-NEXT: {{^}}    r1 |= -7{{$|  #}}
	r1 |= r2
# CHECK-NEXT: {{^}}    r1 |= r2{{$|  #}}
	r1 &= -7
# CHECK-NEXT: {{^}}    r1 &= -7{{$|  #}}
	r1 &= r2
# CHECK-NEXT: {{^}}    r1 &= r2{{$|  #}}
	r1 <<= -7
# CHECK-NEXT: {{^}}    r1 <<= -7{{$|  #}}
	r1 <<= r2
# CHECK-NEXT: {{^}}    r1 <<= r2{{$|  #}}
	r1 >>= -7
# CHECK-NEXT: {{^}}    r1 >>= -7{{$|  #}}
	r1 >>= r2
# CHECK-NEXT: {{^}}    r1 >>= r2{{$|  #}}
	r1 %= -7
# CHECK-NEXT: {{^}}    r1 %= -7{{$|  #}}
	r1 %= r2
# CHECK-NEXT: {{^}}    r1 %= r2{{$|  #}}
	r1 s%= -7
# CHECK-NEXT: {{^}}    r1 s%= -7{{$|  #}}
	r1 s%= r2
# CHECK-NEXT: {{^}}    r1 s%= r2{{$|  #}}
	r1 ^= -7
# CHECK-NEXT: {{^}}    r1 ^= -7{{$|  #}}
	r1 ^= r2
# CHECK-NEXT: {{^}}    r1 ^= r2{{$|  #}}
	r1 s>>= -7
# CHECK-NEXT: {{^}}    r1 s>>= -7{{$|  #}}
	r1 s>>= r2
# CHECK-NEXT: {{^}}    r1 s>>= r2{{$|  #}}
	r1 = -7
# CHECK-NEXT: {{^}}    r1 = -7{{$|  #}}
	r1 = r2
# CHECK-NEXT: {{^}}    r1 = r2{{$|  #}}
	w1 += -7
# CHECK-NEXT: {{^}}    w1 += -7{{$|  #}}
	w1 += w2
# CHECK-NEXT: {{^}}    w1 += w2{{$|  #}}
	w1 -= -7
# CHECK-NEXT: {{^}}    w1 -= -7{{$|  #}}
	w1 -= w2
# CHECK-NEXT: {{^}}    w1 -= w2{{$|  #}}
	w1 *= -7
# CHECK-NEXT: {{^}}    w1 *= -7{{$|  #}}
	w1 *= w2
# CHECK-NEXT: {{^}}    w1 *= w2{{$|  #}}
	w1 /= -7
# CHECK-NEXT: {{^}}    w1 /= -7{{$|  #}}
	w1 /= w2
# CHECK-NEXT: {{^}}    w1 /= w2{{$|  #}}
	w1 s/= -7
# CHECK-NEXT: {{^}}    w1 s/= -7{{$|  #}}
	w1 s/= w2
# CHECK-NEXT: {{^}}    w1 s/= w2{{$|  #}}
	w1 |= -7
# CHECK-NEXT: {{^}}    w1 |= -7{{$|  #}}
	w1 |= w2
# CHECK-NEXT: {{^}}    w1 |= w2{{$|  #}}
	w1 &= -7
# CHECK-NEXT: {{^}}    w1 &= -7{{$|  #}}
	w1 &= w2
# CHECK-NEXT: {{^}}    w1 &= w2{{$|  #}}
	w1 <<= -7
# CHECK-NEXT: {{^}}    w1 <<= -7{{$|  #}}
	w1 <<= w2
# CHECK-NEXT: {{^}}    w1 <<= w2{{$|  #}}
	w1 >>= -7
# CHECK-NEXT: {{^}}    w1 >>= -7{{$|  #}}
	w1 >>= w2
# CHECK-NEXT: {{^}}    w1 >>= w2{{$|  #}}
	w1 %= -7
# CHECK-NEXT: {{^}}    w1 %= -7{{$|  #}}
	w1 %= w2
# CHECK-NEXT: {{^}}    w1 %= w2{{$|  #}}
	w1 s%= -7
# CHECK-NEXT: {{^}}    w1 s%= -7{{$|  #}}
	w1 s%= w2
# CHECK-NEXT: {{^}}    w1 s%= w2{{$|  #}}
	w1 ^= -7
# CHECK-NEXT: {{^}}    w1 ^= -7{{$|  #}}
	w1 ^= w2
# CHECK-NEXT: {{^}}    w1 ^= w2{{$|  #}}
	w1 s>>= -7
# CHECK-NEXT: {{^}}    w1 s>>= -7{{$|  #}}
	w1 s>>= w2
# CHECK-NEXT: {{^}}    w1 s>>= w2{{$|  #}}
	w1 = -7
# CHECK-NEXT: {{^}}    w1 = -7{{$|  #}}
	w1 = w2
# CHECK-NEXT: {{^}}    w1 = w2{{$|  #}}
	r1 = atomic_fetch_add((u64 *)(r2 + 8), r1)
# CHECK-NEXT: {{^}}    r1 = atomic_fetch_add((u64 *)(r2 +8), r1){{$|  #}}
	w1 = atomic_fetch_xor((u32 *)(r2 - 8), w1)
# CHECK-NEXT: {{^}}    w1 = atomic_fetch_xor((u32 *)(r2 -8), w1){{$|  #}}
	lock *(u64 *)(r1 + 8) += r2
# CHECK-NEXT: {{^}}    lock *(u64 *)(r1 +8) += r2{{$|  #}}
	lock *(u32 *)(r1 + 8) |= w2
# CHECK-NEXT: {{^}}    lock *(u32 *)(r1 +8) |= w2{{$|  #}}
	r1 = xchg_64(r2 + 8, r1)
# CHECK-NEXT: {{^}}    r1 = xchg_64(r2 +8, r1){{$|  #}}
	w1 = xchg32_32(r2 + 8, w1)
# CHECK-NEXT: {{^}}    w1 = xchg32_32(r2 +8, w1){{$|  #}}
	r0 = cmpxchg_64(r2 + 8, r0, r1)
# CHECK-NEXT: {{^}}    r0 = cmpxchg_64(r2 +8, r0, r1){{$|  #}}
	w0 = cmpxchg32_32(r2 + 8, w0, w1)
# CHECK-NEXT: {{^}}    w0 = cmpxchg32_32(r2 +8, w0, w1){{$|  #}}
	w1 = load_acquire((u8 *)(r2 +8))
# CHECK-NEXT: {{^}}    w1 = load_acquire((u8 *)(r2 +8)){{$|  #}}
	r1 = load_acquire((u64 *)(r2 + 8))
# CHECK-NEXT: {{^}}    r1 = load_acquire((u64 *)(r2 +8)){{$|  #}}
	store_release((u16 *)(r1 + 8), w2)
# CHECK-NEXT: {{^}}    store_release((u16 *)(r1 +8), w2){{$|  #}}
	store_release((u64 *)(r1 + 8), r2)
# CHECK-NEXT: {{^}}    store_release((u64 *)(r1 +8), r2){{$|  #}}
	r1 = addr_space_cast(r2, 0x0, 0x1)
# CHECK-NEXT: {{^}}    r1 = addr_space_cast(r2, 0, 1){{$|  #}}
	r0 = *(u8 *)skb[4]
# CHECK: {{^}}    r0 = *(u8 *)skb{{[[]}}4]{{$|  #}}
	r0 = *(u32 *)skb[r1]
# CHECK: {{^}}    r0 = *(u32 *)skb{{[[]}}r1 + 0]{{$|  #}}
	r1 = *(s8 *)(r2 -8)
# CHECK-NEXT: {{^}}    r1 = *(s8 *)(r2 -8){{$|  #}}
	w1 = *(u8 *)(r2 +8)
# CHECK-NEXT: {{^}}    w1 = *(u8 *)(r2 +8){{$|  #}}
	*(u8 *)(r1 +8) = w2
# CHECK-NEXT: {{^}}    *(u8 *)(r1 +8) = w2{{$|  #}}
	*(u16 *)(r1 +8) = 5
# CHECK-NEXT: {{^}}    *(u16 *)(r1 +8) = 5{{$|  #}}
	*(u64 *)(r1 +8) = -5
# CHECK-NEXT: {{^}}    *(u64 *)(r1 +8) = -5{{$|  #}}
	r1 = -r1
# CHECK-NEXT: {{^}}    r1 = -r1{{$|  #}}
	w1 = -w1
# CHECK-NEXT: {{^}}    w1 = -w1{{$|  #}}
	r1 = be16 r1
# CHECK-NEXT: {{^}}    r1 = be16 r1{{$|  #}}
	r1 = le64 r1
# CHECK-NEXT: {{^}}    r1 = le64 r1{{$|  #}}
	r1 = bswap32 r1
# CHECK-NEXT: {{^}}    r1 = bswap32 r1{{$|  #}}
	r1 = (s32)r2
# CHECK-NEXT: {{^}}    r1 = (s32)r2{{$|  #}}
	w1 = (s8)w2
# CHECK-NEXT: {{^}}    w1 = (s8)w2{{$|  #}}
	call 5
# CHECK-NEXT: {{^}}    call 5{{$|  #}}
	r1 = 0x123456789abcdef ll
# CHECK-NEXT: {{^}}    r1 = 0x123456789abcdef ll{{$|  #}}
	if r1 == 7 goto Here
# CHECK: {{^}}    if r1 == 7 goto bb0{{$|  #}}
	if r1 == r2 goto Here
# CHECK: {{^}}    if r1 == r2 goto bb0{{$|  #}}
	if r1 != 7 goto Here
# CHECK: {{^}}    if r1 != 7 goto bb0{{$|  #}}
	if r1 != r2 goto Here
# CHECK: {{^}}    if r1 != r2 goto bb0{{$|  #}}
	if r1 > 7 goto Here
# CHECK: {{^}}    if r1 > 7 goto bb0{{$|  #}}
	if r1 > r2 goto Here
# CHECK: {{^}}    if r1 > r2 goto bb0{{$|  #}}
	if r1 >= 7 goto Here
# CHECK: {{^}}    if r1 >= 7 goto bb0{{$|  #}}
	if r1 >= r2 goto Here
# CHECK: {{^}}    if r1 >= r2 goto bb0{{$|  #}}
	if r1 < 7 goto Here
# CHECK: {{^}}    if r1 < 7 goto bb0{{$|  #}}
	if r1 < r2 goto Here
# CHECK: {{^}}    if r1 < r2 goto bb0{{$|  #}}
	if r1 <= 7 goto Here
# CHECK: {{^}}    if r1 <= 7 goto bb0{{$|  #}}
	if r1 <= r2 goto Here
# CHECK: {{^}}    if r1 <= r2 goto bb0{{$|  #}}
	if r1 s> 7 goto Here
# CHECK: {{^}}    if r1 s> 7 goto bb0{{$|  #}}
	if r1 s> r2 goto Here
# CHECK: {{^}}    if r1 s> r2 goto bb0{{$|  #}}
	if r1 s>= 7 goto Here
# CHECK: {{^}}    if r1 s>= 7 goto bb0{{$|  #}}
	if r1 s>= r2 goto Here
# CHECK: {{^}}    if r1 s>= r2 goto bb0{{$|  #}}
	if r1 s< 7 goto Here
# CHECK: {{^}}    if r1 s< 7 goto bb0{{$|  #}}
	if r1 s< r2 goto Here
# CHECK: {{^}}    if r1 s< r2 goto bb0{{$|  #}}
	if r1 s<= 7 goto Here
# CHECK: {{^}}    if r1 s<= 7 goto bb0{{$|  #}}
	if r1 s<= r2 goto Here
# CHECK: {{^}}    if r1 s<= r2 goto bb0{{$|  #}}
	if r1 & 7 goto Here
# CHECK: {{^}}    if r1 & 7 goto bb0{{$|  #}}
	if r1 & r2 goto Here
# CHECK: {{^}}    if r1 & r2 goto bb0{{$|  #}}
	if w1 == 7 goto Here
# CHECK: {{^}}    if w1 == 7 goto bb0{{$|  #}}
	if w1 == w2 goto Here
# CHECK: {{^}}    if w1 == w2 goto bb0{{$|  #}}
	if w1 != 7 goto Here
# CHECK: {{^}}    if w1 != 7 goto bb0{{$|  #}}
	if w1 != w2 goto Here
# CHECK: {{^}}    if w1 != w2 goto bb0{{$|  #}}
	if w1 > 7 goto Here
# CHECK: {{^}}    if w1 > 7 goto bb0{{$|  #}}
	if w1 > w2 goto Here
# CHECK: {{^}}    if w1 > w2 goto bb0{{$|  #}}
	if w1 >= 7 goto Here
# CHECK: {{^}}    if w1 >= 7 goto bb0{{$|  #}}
	if w1 >= w2 goto Here
# CHECK: {{^}}    if w1 >= w2 goto bb0{{$|  #}}
	if w1 < 7 goto Here
# CHECK: {{^}}    if w1 < 7 goto bb0{{$|  #}}
	if w1 < w2 goto Here
# CHECK: {{^}}    if w1 < w2 goto bb0{{$|  #}}
	if w1 <= 7 goto Here
# CHECK: {{^}}    if w1 <= 7 goto bb0{{$|  #}}
	if w1 <= w2 goto Here
# CHECK: {{^}}    if w1 <= w2 goto bb0{{$|  #}}
	if w1 s> 7 goto Here
# CHECK: {{^}}    if w1 s> 7 goto bb0{{$|  #}}
	if w1 s> w2 goto Here
# CHECK: {{^}}    if w1 s> w2 goto bb0{{$|  #}}
	if w1 s>= 7 goto Here
# CHECK: {{^}}    if w1 s>= 7 goto bb0{{$|  #}}
	if w1 s>= w2 goto Here
# CHECK: {{^}}    if w1 s>= w2 goto bb0{{$|  #}}
	if w1 s< 7 goto Here
# CHECK: {{^}}    if w1 s< 7 goto bb0{{$|  #}}
	if w1 s< w2 goto Here
# CHECK: {{^}}    if w1 s< w2 goto bb0{{$|  #}}
	if w1 s<= 7 goto Here
# CHECK: {{^}}    if w1 s<= 7 goto bb0{{$|  #}}
	if w1 s<= w2 goto Here
# CHECK: {{^}}    if w1 s<= w2 goto bb0{{$|  #}}
	if w1 & 7 goto Here
# CHECK: {{^}}    if w1 & 7 goto bb0{{$|  #}}
	if w1 & w2 goto Here
# CHECK: {{^}}    if w1 & w2 goto bb0{{$|  #}}
	may_goto Here
# CHECK: {{^}}    may_goto bb0{{$|  #}}
	goto Here
# CHECK: {{^}}    goto bb0{{$|  #}}
	gotol Here
# CHECK: {{^}}    gotol bb0{{$|  #}}
	exit
# CHECK: {{^}}    exit{{$|  #}}
	.size every, .-every

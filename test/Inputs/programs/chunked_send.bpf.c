//===- chunked_send.bpf.c - Payloads sent to user space in chunks ---------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: (Apache-2.0 WITH LLVM-exception) OR GPL-2.0
//
//===----------------------------------------------------------------------===//
//
// A network monitor at tc: sends the first bytes of a packet's payload, and the
// last ones, to user space through a ring buffer. An event has a fixed size, so
// each of the two goes out in unrolled chunks, and offset, rest, number and
// flags are carried from chunk to chunk. A chunk ends early behind the end of a
// line, if there is one where a chunk may end, so that user space seldom has to
// put lines together again; that makes all lengths variable.
//
//===----------------------------------------------------------------------===//

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum {
  ChunkLength = 256,
  MaxChunks = 7,
};

enum chunk_flag {
  CHUNK_FIRST = 1 << 0,
  CHUNK_LINE = 1 << 2, // the chunk before it ended with a line
  CHUNK_TAIL = 1 << 3, // of the payload's last bytes
  CHUNK_GAP = 1 << 4,  // one before it was lost
};

struct chunk {
  __u32 flow;
  __u32 flags;
  __u32 number;
  __u32 offset;
  __u32 length;
  __u32 rest;
  char data[ChunkLength];
};

// What user space wants to see of a port.
struct interest {
  __u32 head; // bytes
  __u32 tail;
};

struct totals {
  __u64 packets;
  __u64 chunks;
  __u64 bytes;
  __u64 lines;
  __u64 lost; // the last chunk
  __u64 cut;  // longer than all chunks
};

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 18);
} chunks SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct chunk);
} scratch SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 65536);
  __type(key, __u32);
  __type(value, struct interest);
} interests SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 2); // head, tail
  __type(key, __u32);
  __type(value, struct totals);
} totals SEC(".maps");

// How far sending has come.
struct progress {
  __u32 offset; // in the packet
  __u32 rest;
  __u32 number;
  __u32 flags;
  __u32 bytes;
  __u32 lines;
};

// Where the payload is, and who wants it.
struct payload {
  __u32 offset;
  __u32 length;
  __u32 port;
};

// Makes the compiler forget what it knows of a variable.
#define forget(Variable) asm volatile("" : "+r"(Variable))

// Sends the next chunk, if there is one.
static __always_inline void
send_chunk(struct __sk_buff *skb, struct chunk *chunk, struct progress *at) {
  __u32 length = at->rest;
  if (length == 0)
    return;
  if (length > ChunkLength)
    length = ChunkLength;
  // Kernels have to see that the length is in bounds, and older ones do not see
  // by a comparison that it is not zero.
  length -= 1;
  forget(length);
  length = (length & (ChunkLength - 1)) + 1;
  if (bpf_skb_load_bytes(skb, at->offset, chunk->data, length)) {
    at->flags |= CHUNK_GAP;
    at->rest = 0;
    return;
  }
  _Bool line = 0;
  if (at->rest > ChunkLength) {
    if (chunk->data[ChunkLength - 1] == '\n') {
      line = 1;
    } else if (chunk->data[ChunkLength / 4 * 3 - 1] == '\n') {
      length = ChunkLength / 4 * 3;
      line = 1;
    } else if (chunk->data[ChunkLength / 2 - 1] == '\n') {
      length = ChunkLength / 2;
      line = 1;
    }
  }
  at->rest -= length;
  chunk->flags = at->flags;
  chunk->number = at->number;
  chunk->offset = at->offset;
  chunk->length = length;
  chunk->rest = at->rest;
  at->flags &= ~(CHUNK_FIRST | CHUNK_LINE | CHUNK_GAP);
  if (bpf_ringbuf_output(&chunks, chunk,
                         __builtin_offsetof(struct chunk, data) + length, 0))
    at->flags |= CHUNK_GAP;
  if (line)
    at->flags |= CHUNK_LINE;
  at->lines += line;
  at->offset += length;
  at->bytes += length;
  at->number += 1;
}

// Sends a part of the payload.
static __always_inline void send_part(struct __sk_buff *skb,
                                      struct chunk *chunk, __u32 offset,
                                      __u32 length, __u32 flags) {
  struct progress at = {
      .offset = offset,
      .rest = length,
      .flags = flags | CHUNK_FIRST,
  };
#pragma clang loop unroll(full)
  for (int i = 0; i < MaxChunks; ++i)
    send_chunk(skb, chunk, &at);

  __u32 which = flags == CHUNK_TAIL;
  struct totals *sum = bpf_map_lookup_elem(&totals, &which);
  if (!sum)
    return;
  sum->packets += 1;
  sum->chunks += at.number;
  sum->bytes += at.bytes;
  sum->lines += at.lines;
  if (at.flags & CHUNK_GAP)
    sum->lost += 1;
  if (at.rest)
    sum->cut += 1;
}

static __always_inline _Bool find_payload(struct __sk_buff *skb,
                                          struct payload *out) {
  __u32 offset = ETH_HLEN;
  struct iphdr ip;
  if (skb->protocol != bpf_htons(ETH_P_IP) ||
      bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)))
    return 0;
  if (ip.version != 4 || ip.ihl < 5 || ip.frag_off & bpf_htons(0x1fff))
    return 0;
  offset += ip.ihl * 4;
  if (ip.protocol == IPPROTO_TCP) {
    struct tcphdr tcp;
    if (bpf_skb_load_bytes(skb, offset, &tcp, sizeof(tcp)) || tcp.doff < 5)
      return 0;
    offset += tcp.doff * 4;
    out->port = bpf_ntohs(tcp.dest);
  } else if (ip.protocol == IPPROTO_UDP) {
    struct udphdr udp;
    if (bpf_skb_load_bytes(skb, offset, &udp, sizeof(udp)))
      return 0;
    offset += sizeof(udp);
    out->port = bpf_ntohs(udp.dest);
  } else {
    return 0;
  }
  if (offset >= skb->len)
    return 0;
  out->offset = offset;
  out->length = skb->len - offset;
  return 1;
}

SEC("tc")
int send_payload(struct __sk_buff *skb) {
  struct payload payload;
  if (!find_payload(skb, &payload))
    return TC_ACT_OK;
  __u32 zero = 0;
  struct chunk *chunk = bpf_map_lookup_elem(&scratch, &zero);
  struct interest *interest = bpf_map_lookup_elem(&interests, &payload.port);
  if (!chunk || !interest)
    return TC_ACT_OK;

  chunk->flow = skb->hash;
  __u32 head = interest->head, tail = interest->tail;
  if (head > payload.length)
    head = payload.length;
  if (tail > payload.length - head)
    tail = payload.length - head;
  send_part(skb, chunk, payload.offset, head, 0);
  send_part(skb, chunk, payload.offset + payload.length - tail, tail,
            CHUNK_TAIL);
  return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";

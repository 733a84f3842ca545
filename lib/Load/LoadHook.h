//===- LoadHook.h - what happens to libbpf's calls ------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Stands between libbpf and the kernel while an object is loaded: captures the
// programs, remembers the slots of program arrays, and shrinks maps.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_LOAD_LOADHOOK_H
#define PREPATCH_LOAD_LOADHOOK_H

#include "ObjectLoader.h"

namespace prepatch {

class LoadHook : public BpfCallHook {
public:
  /// Expected holds the object's programs in libbpf's order, which is the order
  /// of the loads too; an empty name stands for one that is not to be loaded.
  LoadHook(std::vector<std::string> Expected, uint32_t MaxEntries);

  bool onCall(int Cmd, void *Attr, unsigned Size, long &Result) override;

  /// The captured load of program I, or null.
  std::unique_ptr<PreparedLoad> take(size_t I) { return std::move(Loads[I]); }
  const std::vector<ProgramSlot> &slots() const { return Slots; }
  const std::vector<std::string> &notes() const { return Notes; }

private:
  bool captureProgram(const bpf_attr &Attr, unsigned Size, long &Result);
  bool createMap(bpf_attr &Attr, unsigned Size, long &Result);
  bool fillSlot(const bpf_attr &Attr, long &Result);

  std::vector<std::string> Expected;
  std::vector<std::unique_ptr<PreparedLoad>> Loads;
  std::vector<int> StandIns; ///< descriptor given to libbpf for each program
  size_t Next = 0;
  uint32_t MaxEntries;
  std::vector<ProgramSlot> Slots;
  std::vector<std::string> Notes;
};

} // namespace prepatch

#endif

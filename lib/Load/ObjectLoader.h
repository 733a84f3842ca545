//===- ObjectLoader.h - BPF objects, loaded up to the programs ------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Opens an object with libbpf, lets libbpf create the maps and relocate the
// programs, and captures the load of every program instead of doing it: libbpf
// gets a stand-in descriptor. One program that libbpf cannot prepare makes
// libbpf give up the whole object; here the culprit is found in libbpf's
// messages, set aside with the reason, and the rest is tried again.
//
//===----------------------------------------------------------------------===//

#ifndef PREPATCH_LOAD_OBJECTLOADER_H
#define PREPATCH_LOAD_OBJECTLOADER_H

#include "PreparedLoad.h"

#include <bpf/libbpf.h>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace prepatch {

/// What had to be left out or changed to get an object through libbpf. Found
/// while the first instance is loaded, and kept for further ones.
struct LoadPlan {
  std::map<std::string, std::string> ProgramsOff; ///< program -> reason
  std::map<std::string, std::string> MapsOff;     ///< map -> reason
  bool WeakExterns = false;
  /// Maps of arrays and hashes get at most this many entries; 0: as they are,
  /// unless the kernel has no room for them.
  uint32_t MaxEntries = 0;
};

struct ObjectProgram {
  std::string Name, Section;
  bpf_prog_type Type = BPF_PROG_TYPE_UNSPEC;
  uint32_t AttachType = 0;
  std::string SkipReason;             ///< if there is no Load
  std::unique_ptr<PreparedLoad> Load; ///< as libbpf would have issued it
};

struct ObjectMap {
  std::string Name;
  int Fd = -1; ///< owned by the object
  bpf_map_info Info = {};
};

/// A slot of a program array that the object wants filled.
struct ProgramSlot {
  uint32_t MapId = 0, Index = 0;
  size_t Program = 0; ///< index into LoadedObject::programs()
};

class LoadedObject {
public:
  /// Null, and Error set, if nothing of the file can be loaded. Plan is
  /// followed and extended.
  static std::unique_ptr<LoadedObject> load(const std::string &Path,
                                            LoadPlan &Plan, std::string &Error);
  ~LoadedObject();

  std::vector<ObjectProgram> &programs() { return Programs; }
  const std::vector<ObjectMap> &maps() const { return Maps; }
  const std::vector<ProgramSlot> &slots() const { return Slots; }
  /// What was changed to make the object load; for the report.
  const std::vector<std::string> &notes() const { return Notes; }
  const bpf_object *object() const { return Object; }

private:
  friend class LoadAttempt;
  LoadedObject() = default;

  bpf_object *Object = nullptr;
  std::vector<ObjectProgram> Programs;
  std::vector<ObjectMap> Maps;
  std::vector<ProgramSlot> Slots;
  std::vector<std::string> Notes;
};

/// libbpf's warnings since the last call, oldest first.
std::string takeLibbpfMessages();

/// Routes libbpf's messages to takeLibbpfMessages(); call once.
void captureLibbpfMessages();

} // namespace prepatch

#endif

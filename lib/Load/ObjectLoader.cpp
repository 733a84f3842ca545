//===- ObjectLoader.cpp - BPF objects, loaded up to the programs ----------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The attempts: open, configure, let libbpf load with the hook in place, and on
// failure decide what to leave out of the next attempt.
//
//===----------------------------------------------------------------------===//

#include "ObjectLoader.h"
#include "LoadHook.h"
#include "ProgramTypes.h"
#include "WeakExterns.h"

#include <bpf/bpf.h>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

using namespace prepatch;

// libbpf's print callback has no context argument.
static std::string Messages;

static int printCallback(libbpf_print_level Level, const char *Format,
                         va_list Args) {
  if (Level != LIBBPF_WARN || Messages.size() > (1u << 20))
    return 0;
  char Line[2048];
  int Length = vsnprintf(Line, sizeof(Line), Format, Args);
  Messages += Line;
  if (Length >= static_cast<int>(sizeof(Line)))
    Messages += '\n';
  return Length;
}

void prepatch::captureLibbpfMessages() { libbpf_set_print(printCallback); }

std::string prepatch::takeLibbpfMessages() {
  std::string Result;
  std::swap(Result, Messages);
  return Result;
}

LoadedObject::~LoadedObject() {
  Programs.clear();
  if (Object)
    bpf_object__close(Object);
}

/// The text after "libbpf: " of the last warning that says something of its
/// own: "failed to load object" closes every failure.
static std::string lastWarning(const std::string &Text) {
  std::string Last;
  size_t At = 0;
  while (At < Text.size()) {
    size_t End = Text.find('\n', At);
    if (End == std::string::npos)
      End = Text.size();
    std::string Line = Text.substr(At, End - At);
    if (Line.rfind("libbpf: ", 0) == 0)
      Line.erase(0, 8);
    if (!Line.empty() && Line.rfind("failed to load object", 0) != 0)
      Last = Line;
    At = End + 1;
  }
  return Last;
}

/// The NAME of the last "Key 'NAME'" in Text, and the line it is on.
static std::string lastQuoted(const std::string &Text, const std::string &Key,
                              std::string &Line) {
  size_t At = Text.rfind(Key + " '");
  if (At == std::string::npos)
    return {};
  size_t Start = At + Key.size() + 2;
  size_t End = Text.find('\'', Start);
  if (End == std::string::npos)
    return {};
  size_t LineEnd = Text.find('\n', At);
  Line = Text.substr(At, LineEnd == std::string::npos ? LineEnd : LineEnd - At);
  return Text.substr(Start, End - Start);
}

// linux/bpf.h of 6.1 does not have this enumerator yet.
static constexpr unsigned CgrpStorage = 32;

/// Types whose creation with no entries fails although the number is the user's
/// to choose. The storage maps, on the other hand, demand zero.
static bool needsEntries(bpf_map_type Type) {
  switch (static_cast<unsigned>(Type)) {
  case BPF_MAP_TYPE_PERF_EVENT_ARRAY: // libbpf: one per CPU
  case BPF_MAP_TYPE_CGROUP_STORAGE:
  case BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE:
  case BPF_MAP_TYPE_SK_STORAGE:
  case BPF_MAP_TYPE_INODE_STORAGE:
  case BPF_MAP_TYPE_TASK_STORAGE:
  case CgrpStorage:
  case BPF_MAP_TYPE_STRUCT_OPS:
    return false;
  default:
    return true;
  }
}

namespace prepatch {
class LoadAttempt {
public:
  LoadAttempt(const std::string &Image, const std::string &Path, LoadPlan &Plan)
      : Image(Image), Path(Path), Plan(Plan) {}

  /// Null on failure; then messages() tells why.
  std::unique_ptr<LoadedObject> run();
  const std::string &messages() const { return Text; }
  int error() const { return Errno; }
  bool opened() const { return Opened; }
  bool isMap(const std::string &Name) const { return MapNames.count(Name); }
  bool isProgram(const std::string &Name) const {
    return ProgramNames.count(Name);
  }
  const std::set<std::string> &structOps() const { return StructOps; }

private:
  void configureMaps(bpf_object *Object, LoadedObject &Result);
  void configurePrograms(bpf_object *Object, LoadedObject &Result);
  void finish(LoadHook &Hook, LoadedObject &Result);

  const std::string &Image, &Path;
  LoadPlan &Plan;
  std::string Text;
  int Errno = 0;
  bool Opened = false;
  std::set<std::string> MapNames, ProgramNames, StructOps;
};
} // namespace prepatch

void LoadAttempt::configureMaps(bpf_object *Object, LoadedObject &Result) {
  bpf_map *Map;
  bpf_object__for_each_map(Map, Object) {
    std::string Name = bpf_map__name(Map);
    MapNames.insert(Name);
    if (bpf_map__type(Map) == BPF_MAP_TYPE_STRUCT_OPS)
      StructOps.insert(Name);
    bpf_map__set_pin_path(Map, nullptr);
    if (Plan.MapsOff.count(Name))
      bpf_map__set_autocreate(Map, false);
    if (bpf_map__max_entries(Map) == 0 && !bpf_map__is_internal(Map) &&
        needsEntries(bpf_map__type(Map))) {
      bool Ring = bpf_map__type(Map) == BPF_MAP_TYPE_RINGBUF ||
                  bpf_map__type(Map) == BPF_MAP_TYPE_USER_RINGBUF;
      uint32_t Entries = Ring ? 4096 : 1;
      bpf_map__set_max_entries(Map, Entries);
      Result.Notes.push_back("map '" + Name + "': max_entries 0 set to " +
                             std::to_string(Entries));
    }
  }
}

void LoadAttempt::configurePrograms(bpf_object *Object, LoadedObject &Result) {
  bpf_program *Program;
  bpf_object__for_each_program(Program, Object) {
    ObjectProgram P;
    P.Name = bpf_program__name(Program);
    P.Section = bpf_program__section_name(Program);
    ProgramNames.insert(P.Name);
    if (bpf_program__type(Program) == BPF_PROG_TYPE_UNSPEC) {
      LegacySection Guess = guessLegacySection(P.Section);
      if (Guess.Type != BPF_PROG_TYPE_UNSPEC) {
        bpf_program__set_type(Program, Guess.Type);
        bpf_program__set_expected_attach_type(Program, Guess.Attach);
        Result.Notes.push_back("program '" + P.Name +
                               "': type taken from the start of section '" +
                               P.Section + "'");
      } else {
        P.SkipReason = "section '" + P.Section + "' names no program type";
      }
    }
    P.Type = bpf_program__type(Program);
    P.AttachType = bpf_program__expected_attach_type(Program);
    if (P.Type == BPF_PROG_TYPE_EXT)
      P.SkipReason = "freplace program: there is no program to replace";
    auto Off = Plan.ProgramsOff.find(P.Name);
    if (Off != Plan.ProgramsOff.end())
      P.SkipReason = Off->second;
    bpf_program__set_autoload(Program, P.SkipReason.empty());
    Result.Programs.push_back(std::move(P));
  }
}

void LoadAttempt::finish(LoadHook &Hook, LoadedObject &Result) {
  std::string Why;
  for (const std::string &Map : StructOps)
    if (Plan.MapsOff.count(Map) && Why.empty())
      Why = ": " + Plan.MapsOff[Map];
  for (size_t I = 0; I != Result.Programs.size(); ++I) {
    ObjectProgram &P = Result.Programs[I];
    P.Load = Hook.take(I);
    if (!P.Load && P.SkipReason.empty())
      P.SkipReason = P.Type == BPF_PROG_TYPE_STRUCT_OPS
                         ? "its struct_ops map cannot be created" + Why
                         : "libbpf did not load it";
    if (P.Load)
      P.AttachType = P.Load->attachType();
  }
  bpf_map *Map;
  bpf_object__for_each_map(Map, Result.Object) {
    ObjectMap M;
    M.Name = bpf_map__name(Map);
    // libbpf puts the object's name in front of ".bss" and the like; maps are
    // matched between objects by name.
    if (bpf_map__is_internal(Map) && M.Name.find('.') != std::string::npos)
      M.Name.erase(0, M.Name.find('.'));
    M.Fd = bpf_map__fd(Map);
    uint32_t Size = sizeof(M.Info);
    if (M.Fd >= 0 && bpf_obj_get_info_by_fd(M.Fd, &M.Info, &Size) == 0)
      Result.Maps.push_back(std::move(M));
  }
  Result.Slots = Hook.slots();
  for (const std::string &Note : Hook.notes())
    Result.Notes.push_back(Note);
}

std::unique_ptr<LoadedObject> LoadAttempt::run() {
  takeLibbpfMessages();
  std::unique_ptr<LoadedObject> Result(new LoadedObject());
  bpf_object_open_opts Options = {};
  Options.sz = sizeof(Options);
  size_t Slash = Path.rfind('/');
  std::string Base = Path.substr(Slash == std::string::npos ? 0 : Slash + 1);
  std::string Name = Base.substr(0, Base.find('.'));
  Options.object_name = Name.c_str();
  bpf_object *Object =
      bpf_object__open_mem(Image.data(), Image.size(), &Options);
  if (!Object) {
    Errno = errno;
    Text = takeLibbpfMessages();
    return nullptr;
  }
  Opened = true;
  Result->Object = Object;
  configureMaps(Object, *Result);
  configurePrograms(Object, *Result);

  std::vector<std::string> Expected;
  for (const ObjectProgram &P : Result->Programs)
    Expected.push_back(P.SkipReason.empty() ? P.Name : "");
  LoadHook Hook(std::move(Expected), Plan.MaxEntries);
  int Failed;
  {
    ScopedBpfHook Scope(Hook);
    Failed = bpf_object__load(Object);
  }
  Text = takeLibbpfMessages();
  if (Failed) {
    Errno = -Failed;
    return nullptr;
  }
  if (Text.find("BTF loading error") != std::string::npos)
    Result->Notes.push_back(
        "the kernel refused the object's BTF; loaded without it");
  finish(Hook, *Result);
  return Result;
}

/// Puts the culprit of a failed attempt into Plan; false if there is none that
/// is not there already.
static bool learn(const LoadAttempt &Attempt, LoadPlan &Plan) {
  const std::string &Text = Attempt.messages();
  std::string Line;
  if (!Plan.WeakExterns && Text.find("extern ") != std::string::npos) {
    Plan.WeakExterns = true;
    return true;
  }
  std::string Map = lastQuoted(Text, "map", Line);
  if (Text.find("failed to create") != std::string::npos &&
      Attempt.isMap(Map) && Plan.MapsOff.emplace(Map, Line).second)
    return true;
  if (Text.find("struct_ops") != std::string::npos ||
      Text.find("struct ops") != std::string::npos) {
    bool Learnt = false;
    // The messages name the map in some cases only.
    for (const std::string &Name : Attempt.structOps())
      if (Text.find(Name) != std::string::npos)
        Learnt |= Plan.MapsOff.emplace(Name, lastWarning(Text)).second;
    if (!Learnt)
      for (const std::string &Name : Attempt.structOps())
        Learnt |= Plan.MapsOff.emplace(Name, lastWarning(Text)).second;
    if (Learnt)
      return true;
  }
  std::string Program = lastQuoted(Text, "prog", Line);
  if (Attempt.isProgram(Program)) {
    // The first line about it has the cause, the last one only a number.
    size_t At = Text.find("prog '" + Program + "'");
    Line = Text.substr(At, Text.find('\n', At) - At);
    return Plan.ProgramsOff.emplace(Program, "libbpf: " + Line).second;
  }
  return Attempt.isMap(Map) && Plan.MapsOff.emplace(Map, Line).second;
}

/// 0 or an errno; a directory is one of the things that cannot be read.
static int readFile(const std::string &Path, std::string &Image) {
  OwnedFd File(open(Path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!File)
    return errno;
  char Buffer[65536];
  while (true) {
    ssize_t Count = read(File.get(), Buffer, sizeof(Buffer));
    if (Count < 0)
      return errno;
    if (Count == 0)
      return 0;
    Image.append(Buffer, static_cast<size_t>(Count));
  }
}

std::unique_ptr<LoadedObject> LoadedObject::load(const std::string &Path,
                                                 LoadPlan &Plan,
                                                 std::string &Error) {
  std::string Image;
  if (int Errno = readFile(Path, Image)) {
    Error = errnoText(Errno);
    return nullptr;
  }
  std::string WeakNote;
  bool Weak = false;
  while (true) {
    if (Plan.WeakExterns && !Weak) {
      Weak = true;
      for (const std::string &Name : makeExternsWeak(Image))
        WeakNote += (WeakNote.empty() ? "" : ", ") + Name;
    }
    LoadAttempt Attempt(Image, Path, Plan);
    std::unique_ptr<LoadedObject> Result = Attempt.run();
    if (Result) {
      if (!WeakNote.empty())
        Result->Notes.push_back("externs made weak: " + WeakNote);
      for (const auto &[Map, Reason] : Plan.MapsOff)
        Result->Notes.push_back("map '" + Map + "' left out: " + Reason);
      return Result;
    }
    if (Attempt.opened() && learn(Attempt, Plan))
      continue;
    std::string Last = lastWarning(Attempt.messages());
    Error = Last.empty() ? errnoText(Attempt.error()) : "libbpf: " + Last;
    return nullptr;
  }
}

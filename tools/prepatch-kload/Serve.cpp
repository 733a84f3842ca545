//===- Serve.cpp - variants of programs, loaded on request ----------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Programs are closed as soon as they are loaded. What stays in the kernel are
// the object's maps, which the programs name.
//
//===----------------------------------------------------------------------===//

#include "Serve.h"
#include "Load/FunctionTable.h"
#include "Load/JsonWriter.h"
#include "Load/ProgramTypes.h"
#include "Load/Trial.h"
#include "ProgramReport.h"
#include "Request.h"
#include "Worker.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sys/utsname.h>

using namespace prepatch;

namespace {
/// A JSON object on one line, for standard output.
class Reply {
public:
  Reply() : Json(0) { Json.beginObject(); }
  JsonWriter *operator->() { return &Json; }
  JsonWriter &json() { return Json; }

  void send() {
    Json.endObject();
    std::string_view Text = Json.text();
    // The writer begins each member of its top level on a line of its own.
    Text.remove_prefix(Text.find('{'));
    fwrite(Text.data(), 1, Text.size(), stdout);
    putchar('\n');
    fflush(stdout);
  }

private:
  JsonWriter Json;
};

class Server {
public:
  explicit Server(std::unique_ptr<LoadedObject> Object)
      : Object(std::move(Object)) {}

  void greet();
  void run();

private:
  bool prepare(const ServeRequest &Request, std::string &Error);
  bool serve(std::string_view Line);
  void tryProgram(const ServeRequest &Request);
  void profileProgram(const ServeRequest &Request);
  void traceProgram(const ServeRequest &Request);

  std::unique_ptr<LoadedObject> Object;
  const PreparedLoad *Load = nullptr;
  LoadVariant Variant;
};
} // namespace

static void sendError(const std::string &Error) {
  Reply Answer;
  Answer->member("error", Error);
  Answer.send();
}

static void nullableMember(JsonWriter &Json, const char *Name, int64_t Value) {
  Json.key(Name);
  if (Value < 0)
    Json.null();
  else
    Json.value(Value);
}

void Server::greet() {
  utsname Name;
  uname(&Name);
  Reply Answer;
  Answer->member("kernel", Name.release);
  Answer->member("libbpf", std::to_string(libbpf_major_version()) + "." +
                               std::to_string(libbpf_minor_version()));
  Answer->key("programs");
  Answer->beginArray();
  for (const ObjectProgram &P : Object->programs()) {
    Answer->beginObject();
    Answer->member("name", P.Name);
    Answer->member("section", P.Section);
    Answer->member("type", programTypeName(P.Type));
    Answer->member("insns", P.Load ? uint64_t(P.Load->insns().size()) : 0);
    if (P.Load) {
      writeFunctions(Answer.json(), listFunctions(P, Object->object()));
    } else {
      Answer->member("functions", std::vector<unsigned>());
      Answer->member("error", P.SkipReason);
    }
    Answer->endObject();
  }
  Answer->endArray();
  Answer.send();
}

/// Finds the program and makes the variant of it.
bool Server::prepare(const ServeRequest &Request, std::string &Error) {
  std::vector<ObjectProgram> &Programs = Object->programs();
  auto Found =
      std::find_if(Programs.begin(), Programs.end(),
                   [&](ObjectProgram &P) { return P.Name == Request.Program; });
  if (Found == Programs.end()) {
    Error = "expected a program of the object, found '" + Request.Program + "'";
    return false;
  }
  if (!Found->Load) {
    Error = "program '" + Found->Name + "': " + Found->SkipReason;
    return false;
  }
  Load = Found->Load.get();
  return insertCode(*Load, Request.Insertions, Variant, Error);
}

void Server::tryProgram(const ServeRequest &Request) {
  TrialResult Result =
      tryVariant(*Load, Variant, Request.TimeoutMs, Request.Repeat);
  Reply Answer;
  Answer->member("errno", Result.Errno);
  nullableMember(Answer.json(), "verified", Result.Stats.Processed);
  nullableMember(Answer.json(), "states", Result.Stats.TotalStates);
  nullableMember(Answer.json(), "verification_us", Result.VerificationUs);
  Answer->member("load_us", int64_t(Result.LoadUs));
  // The log with which it could be counted would cost more than the load.
  Answer->key("visited");
  Answer->null();
  Answer->member("timeout", Result.Timeout);
  Answer->member("reason", Result.Reason);
  Answer.send();
}

static void writePoint(JsonWriter &Json, const PointProfile &Point) {
  Json.beginObject();
  Json.member("at", Point.Index);
  Json.member("visits", Point.Visits);
  Json.member("frame", Point.Frame);
  Json.member("states", Point.States);
  Json.key("locations");
  Json.beginArray();
  for (const LocationProfile &L : Point.Locations) {
    Json.beginObject();
    bool Slot = L.Location >= FrameState::Registers;
    if (Slot)
      Json.member("slot", -8 * int(L.Location - FrameState::Registers + 1));
    else
      Json.member("reg", L.Location);
    Json.member("scalar", L.Scalar);
    if (Slot && !L.Scalar && L.Bytes)
      Json.member("bytes", unsigned(L.Bytes));
    Json.member("values", L.Values);
    Json.member("precise", L.Precise);
    Json.member("known", L.Known);
    if (L.Min <= L.Max) {
      Json.member("umin", std::to_string(L.Min));
      Json.member("umax", std::to_string(L.Max));
    }
    Json.member("merge", L.Merge);
    Json.endObject();
  }
  Json.endArray();
  Json.endObject();
}

void Server::profileProgram(const ServeRequest &Request) {
  for (uint32_t Point : Request.Points) {
    if (Point < Load->insns().size())
      continue;
    sendError("points: expected instructions below " +
              std::to_string(Load->insns().size()) + ", found " +
              std::to_string(Point));
    return;
  }
  ProfileResult Result =
      profileVariant(*Load, Variant, Request.Points, Request.TimeoutMs);
  Reply Answer;
  Answer->member("errno", Result.Errno);
  nullableMember(Answer.json(), "verified", Result.Stats.Processed);
  Answer->member("truncated", Result.Truncated);
  nullableMember(Answer.json(), "verification_us", Result.Stats.VerificationUs);
  Answer->member("timeout", Result.Timeout);
  Answer->member("reason", Result.Reason);
  Answer->member("unknown_lines", Result.States.UnknownLines);
  Answer->member("unknown", Result.States.UnknownExamples);
  Answer->member("visits", Result.States.Visits);
  Answer->member("safe", Result.States.Safe);
  Answer->key("points");
  Answer->beginArray();
  for (const PointProfile &Point : Result.States.Points)
    writePoint(Answer.json(), Point);
  Answer->endArray();
  Answer.send();
}

void Server::traceProgram(const ServeRequest &Request) {
  RefusalTrace Trace = traceRefusal(*Load, Variant, Request.TimeoutMs);
  Reply Answer;
  Answer->member("errno", Trace.Errno);
  if (Trace.Errno) {
    Answer->member("timeout", Trace.Timeout);
    Answer->member("reason", Trace.Reason);
    nullableMember(Answer.json(), "verified", Trace.Processed);
    Answer->member("path", Trace.Path);
    Answer->member("tail", Trace.Tail);
  }
  Answer.send();
}

/// False at the end of the session.
bool Server::serve(std::string_view Line) {
  ServeRequest Request;
  std::string Error;
  if (!parseRequest(Line, Request, Error)) {
    sendError(Error);
    return true;
  }
  if (Request.Kind == ServeRequest::Quit)
    return false;
  if (!prepare(Request, Error)) {
    sendError(Error);
    return true;
  }
  switch (Request.Kind) {
  case ServeRequest::Try:
    tryProgram(Request);
    break;
  case ServeRequest::Trace:
    traceProgram(Request);
    break;
  default:
    profileProgram(Request);
    break;
  }
  return true;
}

void Server::run() {
  char *Line = nullptr;
  size_t Room = 0;
  ssize_t Length;
  bool Open = true;
  while (Open && (Length = getline(&Line, &Room, stdin)) > 0) {
    std::string_view Text(Line, static_cast<size_t>(Length));
    while (!Text.empty() && (Text.back() == '\n' || Text.back() == '\r'))
      Text.remove_suffix(1);
    Open = serve(Text);
  }
  free(Line);
}

int prepatch::serveObject(const std::string &Path) {
  raiseLimits();
  captureLibbpfMessages();
  LoadPlan Plan;
  std::string Error;
  std::unique_ptr<LoadedObject> Object = LoadedObject::load(Path, Plan, Error);
  if (!Object) {
    sendError(Path + ": " + Error);
    return 1;
  }
  Server Session(std::move(Object));
  Session.greet();
  Session.run();
  return 0;
}

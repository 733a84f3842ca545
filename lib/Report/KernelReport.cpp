//===- KernelReport.cpp - What prepatch-kload says -----------------------===//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One fromJSON() for each structure; unknown members are ignored, so that the
// loader may say more than this knows of.
//===----------------------------------------------------------------------===//

#include "Report/KernelReport.h"

using namespace llvm;

namespace prepatch {

static bool fromJSON(const json::Value &V, RewriteReport &R, json::Path P) {
  json::ObjectMapper O(V, P);
  return O && O.mapOptional("error", R.Error) &&
         O.mapOptional("growths", R.Growths) &&
         O.mapOptional("grown_insns", R.GrownInsns) &&
         O.mapOptional("deletions", R.Deletions) &&
         O.mapOptional("deleted_insns", R.DeletedInsns);
}

static bool fromJSON(const json::Value &V, RunDifference &R, json::Path P) {
  json::ObjectMapper O(V, P);
  return O && O.map("component", R.Component) && O.map("run", R.Run) &&
         O.map("input", R.Input) && O.map("before", R.Before) &&
         O.map("after", R.After);
}

static bool fromJSON(const json::Value &V, RunReport &R, json::Path P) {
  json::ObjectMapper O(V, P);
  return O && O.mapOptional("unsupported", R.Unsupported) &&
         O.mapOptional("done", R.Done) && O.mapOptional("failed", R.Failed) &&
         O.mapOptional("first_error", R.FirstError) &&
         O.mapOptional("nondeterministic", R.Nondeterministic) &&
         O.mapOptional("same", R.Same) &&
         O.mapOptional("different", R.Different) &&
         O.mapOptional("first_difference", R.FirstDifference);
}

static bool fromJSON(const json::Value &V, ProgramReport &R, json::Path P) {
  json::ObjectMapper O(V, P);
  return O && O.map("name", R.Name) && O.map("section", R.Section) &&
         O.map("type", R.Type) && O.mapOptional("verdict", R.Verdict) &&
         O.mapOptional("reason", R.Reason) &&
         O.mapOptional("failed", R.Failed) && O.mapOptional("insns", R.Insns) &&
         O.mapOptional("xlated_insns", R.XlatedInsns) &&
         O.mapOptional("verified_insns", R.VerifiedInsns) &&
         O.mapOptional("verification_us", R.VerificationUs) &&
         O.mapOptional("load_us", R.LoadUs) &&
         O.mapOptional("rewrites", R.Rewrites) &&
         O.mapOptional("runs", R.Runs) && O.mapOptional("run_ns", R.RunNs);
}

static bool fromJSON(const json::Value &V, ObjectReport &R, json::Path P) {
  json::ObjectMapper O(V, P);
  return O && O.map("path", R.Path) && O.mapOptional("error", R.Error) &&
         O.map("programs", R.Programs);
}

static bool fromJSON(const json::Value &V, KernelReport &R, json::Path P) {
  json::ObjectMapper O(V, P);
  return O && O.map("kernel", R.Kernel) && O.map("objects", R.Objects);
}

Expected<KernelReport> parseKernelReport(StringRef Text) {
  Expected<json::Value> Value = json::parse(Text);
  if (!Value)
    return Value.takeError();
  KernelReport Report;
  json::Path::Root Root("report");
  if (!fromJSON(*Value, Report, Root))
    return Root.getError();
  return Report;
}

} // namespace prepatch

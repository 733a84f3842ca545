//===- ProfileWriter.cpp - KernelProfile to JSON --------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes the format of docs/kernel-profiles.md with one table or rule a line,
// so that two profiles can be compared with diff. The text depends on the
// profile alone; profiles/convert-ctx-rewrites.py writes the same one.
//
//===----------------------------------------------------------------------===//

#include "KernelProfile.h"
#include "ProfileFields.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <charconv>

using namespace llvm;
using namespace prepatch;

namespace prepatch {
class ProfileWriter {
public:
  ProfileWriter(const KernelProfile &P, raw_ostream &OS) : P(P), OS(OS) {}
  void write();

private:
  /// One row as it stands in a shape: place in the word, lengths, widening.
  using ShapeRow = std::vector<int64_t>;
  using Shape = std::vector<ShapeRow>;
  struct Table {
    const ContextTable *Context;
    std::vector<int64_t> Fields;
  };

  std::vector<int64_t> addShapes(const ContextTable &Context);
  void key(StringRef Key) { OS << ",\n\"" << Key << "\":"; }
  void string(StringRef Text) { OS << json::Value(Text); }
  void number(double N);
  template <class List> void integers(const List &Values);
  template <class List, class Fn>
  void lines(const List &Items, StringRef Indent, Fn Each);

  void writeContext(const Table &T);
  void writeRule(const HelperRule &Rule);
  void writeHelpers();
  void writeKfuncs();
  void writeCosts();
  template <class Struct, class Member>
  void structure(StringRef Name, ArrayRef<ProfileField<Struct, Member>> Fields,
                 const Struct &S);

  const KernelProfile &P;
  raw_ostream &OS;
  std::vector<Shape> Shapes;
};
} // namespace prepatch

/// Words of four bytes; equal ones are written once.
std::vector<int64_t> ProfileWriter::addShapes(const ContextTable &Context) {
  std::vector<int64_t> Fields;
  ArrayRef<ContextTable::Row> Rows = Context.rows();
  while (!Rows.empty()) {
    unsigned Word = Rows.front().Offset / 4;
    Shape S;
    for (; !Rows.empty() && Rows.front().Offset / 4 == Word;
         Rows = Rows.drop_front()) {
      const ContextTable::Row &R = Rows.front();
      ShapeRow Row = {R.Offset % 4,     R.Size,  R.Read,    R.ReadDestIsCtx,
                      R.ReadSignExtend, R.Write, R.WriteImm};
      if (R.WideSize)
        Row.insert(Row.end(), {int64_t(R.WideOffset) - R.Offset, R.WideSize,
                               R.Shift, popcount(R.Mask)});
      S.push_back(std::move(Row));
    }
    auto It = find(Shapes, S);
    Fields.push_back(Word * 4);
    Fields.push_back(It - Shapes.begin());
    if (It == Shapes.end())
      Shapes.push_back(std::move(S));
  }
  return Fields;
}

void ProfileWriter::number(double N) {
  // The shortest text that reads back as the same number.
  char Buffer[512];
  auto End =
      std::to_chars(Buffer, std::end(Buffer), N, std::chars_format::fixed);
  OS << StringRef(Buffer, End.ptr - Buffer);
}

template <class List> void ProfileWriter::integers(const List &Values) {
  OS << '[';
  interleave(Values, OS, [&](int64_t N) { OS << N; }, ",");
  OS << ']';
}

template <class List, class Fn>
void ProfileWriter::lines(const List &Items, StringRef Indent, Fn Each) {
  interleave(
      Items, OS,
      [&](const auto &Item) {
        OS << '\n' << Indent;
        Each(Item);
      },
      ",");
}

void ProfileWriter::writeContext(const Table &T) {
  OS << "{\"name\":";
  string(T.Context->name());
  OS << ",\"fields\":";
  integers(T.Fields);
  if (!T.Context->alternatives().empty()) {
    OS << ",\"alternatives\":[";
    interleave(
        T.Context->alternatives(), OS,
        [&](const ContextTable::Alternative &Alt) {
          OS << '[' << Alt.Offset << ',' << int(Alt.Size) << ",\"";
          for (const KindKey &K : KindKeys)
            if (K.Kind == Alt.Kind)
              OS << K.Key;
          OS << "\"," << int(Alt.Insns) << ',' << Alt.Trigger << ']';
        },
        ",");
    OS << ']';
  }
  OS << '}';
}

void ProfileWriter::writeRule(const HelperRule &Rule) {
  OS << "{\"helper\":" << Rule.Helper << ",\"insns\":" << int(Rule.Insns);
  if (Rule.InsnsMasked)
    OS << ",\"masked\":" << int(Rule.InsnsMasked);
  if (!Rule.Maps.empty()) {
    OS << ",\"maps\":";
    integers(Rule.Maps);
  }
  if (Rule.NotMapFlags)
    OS << ",\"notMapFlags\":" << Rule.NotMapFlags;
  if (!Rule.Progs.empty()) {
    OS << ",\"progs\":";
    integers(Rule.Progs);
  }
  if (!Rule.Attach.empty()) {
    OS << ",\"attach\":";
    integers(Rule.Attach);
  }
  if (Rule.Needs) {
    OS << ",\"needs\":[";
    ListSeparator Comma(",");
    for (const NeedKey &Need : NeedKeys)
      if (Rule.Needs & Need.Bit)
        OS << Comma << '"' << Need.Key << '"';
    OS << ']';
  }
  OS << '}';
}

void ProfileWriter::writeHelpers() {
  std::vector<int64_t> Changing;
  for (const HelperInfo &Info : P.helpers())
    if (Info.ChangesPacket)
      Changing.push_back(Info.Id);
  key("helpers");
  OS << "{\n  \"max\":" << P.helpers().size() - 1 << ",\n  \"changesPacket\":";
  integers(Changing);
  OS << ",\n  \"fastcall\":";
  integers(P.fastcallHelpers());
  OS << ",\n  \"rules\":[";
  lines(P.helperRules(), "    ", [&](const HelperRule &R) { writeRule(R); });
  OS << "]}";
}

void ProfileWriter::writeKfuncs() {
  key("kfuncs");
  OS << '{';
  lines(P.kfuncs(), "  ", [&](const auto &Entry) {
    const auto &[Name, Info] = Entry;
    string(Name);
    OS << ":{\"insns\":" << int(Info.Insns);
    if (Info.Fastcall)
      OS << ",\"fastcall\":true";
    if (Info.Inlined)
      OS << ",\"inlined\":true";
    OS << '}';
  });
  OS << '}';
}

template <class Struct, class Member>
void ProfileWriter::structure(StringRef Name,
                              ArrayRef<ProfileField<Struct, Member>> Fields,
                              const Struct &S) {
  key(Name);
  OS << '{';
  lines(Fields, "  ", [&](const ProfileField<Struct, Member> &F) {
    OS << '"' << F.Key << "\":";
    if constexpr (std::is_same_v<Member, bool>)
      OS << (S.*F.Ptr ? "true" : "false");
    else
      OS << uint64_t(S.*F.Ptr);
  });
  OS << '}';
}

void ProfileWriter::writeCosts() {
  const CostConstants &C = P.costs();
  key("costs");
  OS << '{';
  ListSeparator Comma(",");
  auto field = [&](StringRef Key) { OS << Comma << "\n  \"" << Key << "\":"; };
  for (const auto &F : CostLineFields) {
    const CostLine &Line = C.*F.Ptr;
    field(F.Key);
    OS << '[';
    number(Line.Fixed);
    OS << ',';
    number(Line.PerInsn);
    OS << ',';
    number(Line.PerTail);
    OS << ']';
  }
  for (const auto &F : CostLimitFields) {
    field(F.Key);
    OS << C.*F.Ptr;
  }
  for (const auto &F : CostFields) {
    field(F.Key);
    number(C.*F.Ptr);
  }
  field("visit");
  OS << '{';
  for (unsigned I = 0; I < NumVisitClasses; ++I) {
    OS << (I ? "," : "") << '"' << VisitKeys[I] << "\":";
    number(C.Visit[I]);
  }
  OS << "}}";
}

void ProfileWriter::write() {
  std::vector<Table> Tables;
  std::vector<StringRef> Unconverted;
  for (const ContextTable &Context : P.contexts()) {
    if (Context.converts())
      Tables.push_back({&Context, addShapes(Context)});
    else
      Unconverted.push_back(Context.name());
  }
  std::vector<std::vector<int64_t>> Sockets;
  for (unsigned I = 0; I < NumSocketKinds; ++I)
    Sockets.push_back(addShapes(P.socket(SocketKind(I))));

  OS << "{\"format\":" << ProfileFormat;
  key("name");
  string(P.name());
  key("release");
  string(P.release());
  key("arch");
  string(P.arch());
  key("endian");
  string(P.isBigEndian() ? "big" : "little");
  key("notes");
  OS << '[';
  lines(P.notes(), "  ", [&](StringRef Note) { string(Note); });
  OS << ']';
  key("shapes");
  OS << '[';
  lines(Shapes, "  ", [&](const Shape &S) {
    OS << '[';
    interleave(S, OS, [&](const ShapeRow &Row) { integers(Row); }, ",");
    OS << ']';
  });
  OS << ']';
  key("contexts");
  OS << '[';
  lines(Tables, "  ", [&](const Table &T) { writeContext(T); });
  OS << ']';
  key("unconverted");
  OS << '[';
  interleave(Unconverted, OS, [&](StringRef Name) { string(Name); }, ",");
  OS << ']';
  key("sockets");
  OS << '{';
  lines(seq<unsigned>(0, NumSocketKinds), "  ", [&](unsigned I) {
    OS << '"' << SocketKeys[I] << "\":";
    integers(Sockets[I]);
  });
  OS << '}';
  key("directWritePrologue");
  OS << '[';
  interleave(
      P.prologues(), OS,
      [&](const auto &Entry) {
        OS << '[' << Entry.first << ',' << int(Entry.second) << ']';
      },
      ",");
  OS << ']';
  writeHelpers();
  writeKfuncs();
  key("alu");
  OS << '{';
  ListSeparator Comma(",");
  for (auto Op : {AluForm::Div, AluForm::Mod})
    for (bool Signed : {false, true})
      for (uint8_t Width : {32, 64})
        OS << Comma << '"' << AluKeys[Op][Width == 64][Signed]
           << "\":" << P.aluRegInsns({Op, Width, Signed});
  OS << '}';
  structure("misc", ArrayRef(MiscFields), P.misc());
  structure("features", ArrayRef(FeatureFields), P.features());
  structure("limits", ArrayRef(LimitFields), P.limits());
  writeCosts();
  OS << "}\n";
}

void KernelProfile::write(raw_ostream &OS) const {
  ProfileWriter(*this, OS).write();
}

//===- ProfileReader.cpp - JSON to KernelProfile --------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads the format of docs/kernel-profiles.md. A profile may come from a user,
// so everything is checked; the first wrong element ends the reading with an
// error that names its path. Every tool reads a profile when it starts:
// context rows are therefore stored as words that many fields share.
//
//===----------------------------------------------------------------------===//

#include "ElementReader.h"
#include "Helpers.h"
#include "KernelProfile.h"
#include "ProfileFields.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace prepatch;

namespace prepatch {
class ProfileReader : public ElementReader {
public:
  explicit ProfileReader(KernelProfile &P) : P(P) {}
  bool read(const json::Value &Root);

private:
  /// A context row with its offset relative to the word that it is in.
  struct ShapeRow {
    ContextTable::Row Row;
    int WideDelta = 0;
  };
  using Shape = std::vector<ShapeRow>;

  template <class Struct, class T>
  bool structure(const json::Value &V, const At &Where,
                 ArrayRef<ProfileField<Struct, T>> Fields, Presence Need,
                 Struct &Out);

  bool readShape(const json::Value &V, const At &Where);
  bool readFields(const json::Value &V, const At &Where, ContextTable &Table);
  bool readAlternative(const json::Value &V, const At &Where,
                       ContextTable &Table);
  bool readContext(const json::Value &V, const At &Where);
  bool readPrologue(const json::Value &V, const At &Where);
  bool readHelpers(const json::Value &V, const At &Where);
  bool readRule(const json::Value &V, const At &Where);
  bool readKfuncs(const json::Value &V, const At &Where);
  bool readAlu(const json::Value &V, const At &Where);
  bool readCosts(const json::Value &V, const At &Where);

  KernelProfile &P;
  std::vector<Shape> Shapes;
};
} // namespace prepatch

template <class Struct, class T>
bool ProfileReader::structure(const json::Value &V, const At &Where,
                              ArrayRef<ProfileField<Struct, T>> Fields,
                              Presence Need, Struct &Out) {
  // The closures must live as long as the references to them.
  auto read = [this, &Out](T Struct::*Ptr) {
    return [this, &Out, Ptr](const json::Value &F, const At &W) {
      if constexpr (std::is_same_v<T, bool>)
        return boolean(F, W, Out.*Ptr);
      else
        return integer(F, W, Out.*Ptr);
    };
  };
  std::vector<decltype(read(nullptr))> Readers;
  for (const auto &Field : Fields)
    Readers.push_back(read(Field.Ptr));
  std::vector<Member> Members;
  for (size_t I = 0; I < Fields.size(); ++I)
    Members.push_back({Fields[I].Key, Need, Readers[I]});
  return object(V, Where, Members);
}

//===----------------------------------------------------------------------===//
// Contexts
//===----------------------------------------------------------------------===//

bool ProfileReader::readShape(const json::Value &V, const At &Where) {
  Shape S;
  bool Ok = array(V, Where, [&](const json::Value &E, const At &W) {
    const json::Array *A = E.getAsArray();
    if (!A || (A->size() != 7 && A->size() != 11))
      return fail(W, "expected an array of 7 or 11 integers");
    int64_t N[11] = {};
    // offset, size, five lengths; offset, size, shift, bits of the widening
    static constexpr int64_t Min[11] = {0, 1, 0, 0, 0, 0, 0, -8, 2, 0, 8};
    static constexpr int64_t Max[11] = {3,   8, 255, 255, 255, 255,
                                        255, 0, 8,   56,  32};
    for (size_t I = 0; I < A->size(); ++I)
      if (!integer((*A)[I], W.index(I), Min[I], Max[I], N[I]))
        return false;
    if (!isPowerOf2_64(N[1]))
      return fail(W.index(1), "expected 1, 2, 4 or 8");
    ShapeRow R;
    R.Row.Offset = N[0];
    R.Row.Size = N[1];
    R.Row.Read = N[2];
    R.Row.ReadDestIsCtx = N[3];
    R.Row.ReadSignExtend = N[4];
    R.Row.Write = N[5];
    R.Row.WriteImm = N[6];
    if ((N[2] == 0) != (N[3] == 0) || (N[2] == 0 && N[4] != 0))
      return fail(W, "expected all or none of the three read lengths");
    if (A->size() == 11) {
      if (N[8] <= N[1] || !isPowerOf2_64(N[8]))
        return fail(W.index(8), "expected a size wider than the access");
      if (N[9] + N[10] > 8 * N[8] || N[10] > 8 * N[1])
        return fail(W, "expected the widened value to hold all " +
                           Twine(N[10]) + " bits above bit " + Twine(N[9]));
      R.WideDelta = int(N[7]);
      R.Row.WideSize = N[8];
      R.Row.Shift = N[9];
      R.Row.Mask = maskTrailingOnes<uint64_t>(N[10]);
    }
    S.push_back(R);
    return true;
  });
  Shapes.push_back(std::move(S));
  return Ok;
}

bool ProfileReader::readFields(const json::Value &V, const At &Where,
                               ContextTable &Table) {
  const json::Array *A = V.getAsArray();
  if (!A || A->size() % 2)
    return fail(Where, "expected an array of offsets and shapes in turn");
  for (size_t I = 0; I < A->size(); I += 2) {
    int64_t Offset, Index;
    if (!integer((*A)[I], Where.index(I), 0, 32764, Offset) ||
        !integer((*A)[I + 1], Where.index(I + 1), 0, int64_t(Shapes.size()) - 1,
                 Index))
      return false;
    if (Offset % 4)
      return fail(Where.index(I), "expected a multiple of 4");
    for (const ShapeRow &R : Shapes[Index]) {
      ContextTable::Row Row = R.Row;
      Row.Offset += Offset;
      int64_t Wide = int64_t(Row.Offset) + R.WideDelta;
      if (Wide < 0)
        return fail(Where.index(I), "widening starts before the context");
      if (Row.WideSize)
        Row.WideOffset = uint16_t(Wide);
      if (!Table.Rows.empty() &&
          std::pair(Table.Rows.back().Offset, Table.Rows.back().Size) >=
              std::pair(Row.Offset, Row.Size))
        return fail(Where.index(I),
                    "expected rows in order of offset and size");
      Table.Rows.push_back(Row);
    }
  }
  return true;
}

bool ProfileReader::readAlternative(const json::Value &V, const At &Where,
                                    ContextTable &Table) {
  const json::Array *A = V.getAsArray();
  if (!A || A->size() != 5)
    return fail(Where, "expected [offset, size, kind, length, trigger]");
  ContextTable::Alternative Alt;
  std::string Kind;
  if (!integer((*A)[0], Where.index(0), Alt.Offset) ||
      !integer((*A)[1], Where.index(1), Alt.Size) ||
      !string((*A)[2], Where.index(2), Kind) ||
      !length((*A)[3], Where.index(3), Alt.Insns) ||
      !integer((*A)[4], Where.index(4), Alt.Trigger))
    return false;
  auto *It = find_if(KindKeys, [&](const KindKey &K) { return K.Key == Kind; });
  if (It == std::end(KindKeys))
    return fail(Where.index(2), "expected 'R', 'RSX', 'W' or 'WI'");
  Alt.Kind = It->Kind;
  Table.Alternatives.push_back(Alt);
  return true;
}

bool ProfileReader::readContext(const json::Value &V, const At &Where) {
  ContextTable Table;
  auto readName = [&](const json::Value &F, const At &W) {
    return string(F, W, Table.Name);
  };
  auto readRows = [&](const json::Value &F, const At &W) {
    return readFields(F, W, Table);
  };
  auto readAlts = [&](const json::Value &F, const At &W) {
    return array(F, W, [&](const json::Value &E, const At &EW) {
      return readAlternative(E, EW, Table);
    });
  };
  if (!object(V, Where,
              {{"name", Required, readName},
               {"fields", Required, readRows},
               {"alternatives", Optional, readAlts}}))
    return false;
  if (P.contextNamed(Table.Name))
    return fail(Where, "context '" + Table.Name + "' is there twice");
  P.Contexts.push_back(std::move(Table));
  return true;
}

bool ProfileReader::readPrologue(const json::Value &V, const At &Where) {
  const json::Array *A = V.getAsArray();
  if (!A || A->size() != 2)
    return fail(Where, "expected [program type, growth]");
  std::pair<uint32_t, uint8_t> Entry;
  if (!integer((*A)[0], Where.index(0), Entry.first) ||
      !length((*A)[1], Where.index(1), Entry.second))
    return false;
  P.Prologues.push_back(Entry);
  return true;
}

//===----------------------------------------------------------------------===//
// Helpers, kfuncs, ALU, costs
//===----------------------------------------------------------------------===//

bool ProfileReader::readRule(const json::Value &V, const At &Where) {
  HelperRule Rule;
  auto readId = [&](const json::Value &F, const At &W) {
    return integer(F, W, Rule.Helper);
  };
  auto readInsns = [&](const json::Value &F, const At &W) {
    return length(F, W, Rule.Insns);
  };
  auto readMasked = [&](const json::Value &F, const At &W) {
    return length(F, W, Rule.InsnsMasked);
  };
  auto readMaps = [&](const json::Value &F, const At &W) {
    return ids(F, W, Rule.Maps);
  };
  auto readNotFlags = [&](const json::Value &F, const At &W) {
    return integer(F, W, Rule.NotMapFlags);
  };
  auto readProgs = [&](const json::Value &F, const At &W) {
    return ids(F, W, Rule.Progs);
  };
  auto readAttach = [&](const json::Value &F, const At &W) {
    return ids(F, W, Rule.Attach);
  };
  auto readNeeds = [&](const json::Value &F, const At &W) {
    return array(F, W, [&](const json::Value &E, const At &EW) {
      std::string Key;
      if (!string(E, EW, Key))
        return false;
      for (const NeedKey &Need : NeedKeys)
        if (Need.Key == Key) {
          Rule.Needs |= Need.Bit;
          return true;
        }
      return fail(EW, "unknown condition '" + Key + "'");
    });
  };
  if (!object(V, Where,
              {{"helper", Required, readId},
               {"insns", Required, readInsns},
               {"masked", Optional, readMasked},
               {"maps", Optional, readMaps},
               {"notMapFlags", Optional, readNotFlags},
               {"progs", Optional, readProgs},
               {"attach", Optional, readAttach},
               {"needs", Optional, readNeeds}}))
    return false;
  if (!P.helper(Rule.Helper))
    return fail(Where.key("helper"),
                "no helper has the number " + Twine(Rule.Helper));
  P.HelperRules.push_back(std::move(Rule));
  return true;
}

bool ProfileReader::readHelpers(const json::Value &V, const At &Where) {
  auto readMax = [&](const json::Value &F, const At &W) {
    int64_t Max;
    if (!integer(F, W, 1, numKnownHelpers(), Max))
      return false;
    for (uint32_t Id = 0; Id <= Max; ++Id)
      P.Helpers.push_back(helperFacts(Id));
    return true;
  };
  auto readChanges = [&](const json::Value &F, const At &W) {
    return array(F, W, [&](const json::Value &E, const At &EW) {
      int64_t Id;
      if (!integer(E, EW, 1, int64_t(P.Helpers.size()) - 1, Id))
        return false;
      P.Helpers[Id].ChangesPacket = true;
      return true;
    });
  };
  auto readFastcall = [&](const json::Value &F, const At &W) {
    if (!ids(F, W, P.FastcallHelpers))
      return false;
    llvm::sort(P.FastcallHelpers);
    return true;
  };
  auto readRules = [&](const json::Value &F, const At &W) {
    return array(F, W, [&](const json::Value &E, const At &EW) {
      return readRule(E, EW);
    });
  };
  return object(V, Where,
                {{"max", Required, readMax},
                 {"changesPacket", Required, readChanges},
                 {"fastcall", Required, readFastcall},
                 {"rules", Required, readRules}});
}

bool ProfileReader::readKfuncs(const json::Value &V, const At &Where) {
  const json::Object *O = V.getAsObject();
  if (!O)
    return fail(Where, "expected an object");
  std::vector<StringRef> Names;
  for (const auto &[Key, Value] : *O)
    Names.push_back(Key);
  llvm::sort(Names);
  for (StringRef Name : Names) {
    KfuncInfo Info;
    auto readInsns = [&](const json::Value &F, const At &W) {
      return length(F, W, Info.Insns);
    };
    auto readFastcall = [&](const json::Value &F, const At &W) {
      return boolean(F, W, Info.Fastcall);
    };
    auto readInlined = [&](const json::Value &F, const At &W) {
      return boolean(F, W, Info.Inlined);
    };
    if (!object(*O->get(Name), Where.key(Name),
                {{"insns", Required, readInsns},
                 {"fastcall", Optional, readFastcall},
                 {"inlined", Optional, readInlined}}))
      return false;
    P.Kfuncs.emplace(Name.str(), Info);
  }
  return true;
}

bool ProfileReader::readAlu(const json::Value &V, const At &Where) {
  const json::Object *O = V.getAsObject();
  if (!O)
    return fail(Where, "expected an object");
  size_t Known = 0;
  for (unsigned Op = 0; Op < 2; ++Op)
    for (unsigned Is64 = 0; Is64 < 2; ++Is64)
      for (unsigned Signed = 0; Signed < 2; ++Signed) {
        StringRef Key = AluKeys[Op][Is64][Signed];
        const json::Value *Form = O->get(Key);
        if (!Form)
          return fail(Where, "expected a member '" + Key + "'");
        ++Known;
        if (!length(*Form, Where.key(Key), P.Alu[Op][Is64][Signed]))
          return false;
      }
  if (O->size() != Known)
    return fail(Where, "expected only the eight forms of division");
  return true;
}

bool ProfileReader::readCosts(const json::Value &V, const At &Where) {
  const json::Object *O = V.getAsObject();
  if (!O)
    return fail(Where, "expected an object");
  size_t Known = 0;
  auto field = [&](const json::Object &Obj, const At &W, StringRef Key,
                   ReadFn Read) {
    const json::Value *F = Obj.get(Key);
    if (!F)
      return fail(W, "expected a member '" + Key + "'");
    ++Known;
    return Read(*F, W.key(Key));
  };
  for (const auto &F : CostLineFields) {
    bool Ok = field(*O, Where, F.Key, [&](const json::Value &E, const At &W) {
      const json::Array *A = E.getAsArray();
      CostLine &Line = P.Costs.*F.Ptr;
      if (!A || A->size() != 3)
        return fail(W, "expected [fixed, per instruction, per tail]");
      return number((*A)[0], W.index(0), Line.Fixed) &&
             number((*A)[1], W.index(1), Line.PerInsn) &&
             number((*A)[2], W.index(2), Line.PerTail);
    });
    if (!Ok)
      return false;
  }
  for (const auto &F : CostLimitFields)
    if (!field(*O, Where, F.Key, [&](const json::Value &E, const At &W) {
          return integer(E, W, P.Costs.*F.Ptr);
        }))
      return false;
  for (const auto &F : CostFields)
    if (!field(*O, Where, F.Key, [&](const json::Value &E, const At &W) {
          return number(E, W, P.Costs.*F.Ptr);
        }))
      return false;
  bool Ok = field(*O, Where, "visit", [&](const json::Value &E, const At &W) {
    const json::Object *Visits = E.getAsObject();
    if (!Visits)
      return fail(W, "expected an object");
    size_t Outer = Known;
    for (unsigned I = 0; I < NumVisitClasses; ++I)
      if (!field(*Visits, W, VisitKeys[I],
                 [&](const json::Value &N, const At &NW) {
                   return number(N, NW, P.Costs.Visit[I]);
                 }))
        return false;
    Known = Outer;
    if (Visits->size() != NumVisitClasses)
      return fail(W, "expected " + Twine(NumVisitClasses) + " members, found " +
                         Twine(Visits->size()));
    return true;
  });
  if (!Ok)
    return false;
  if (O->size() != Known)
    return fail(Where, "expected " + Twine(Known) + " members, found " +
                           Twine(O->size()));
  return true;
}

//===----------------------------------------------------------------------===//
// The document
//===----------------------------------------------------------------------===//

bool ProfileReader::read(const json::Value &Root) {
  std::vector<std::string> Unconverted;
  auto each = [&](auto Read) {
    return [this, Read](const json::Value &V, const At &W) {
      return array(V, W, Read);
    };
  };
  auto text = [this](std::string &Out) {
    return [this, &Out](const json::Value &V, const At &W) {
      return string(V, W, Out);
    };
  };
  auto texts = [this](std::vector<std::string> &Out) {
    return [this, &Out](const json::Value &V, const At &W) {
      return array(V, W, [&](const json::Value &E, const At &EW) {
        return string(E, EW, Out.emplace_back());
      });
    };
  };
  auto readFormat = [&](const json::Value &V, const At &W) {
    int64_t Format;
    return integer(V, W, ProfileFormat, ProfileFormat, Format);
  };
  auto readEndian = [&](const json::Value &V, const At &W) {
    std::string Endian;
    if (!string(V, W, Endian))
      return false;
    P.BigEndian = Endian == "big";
    return P.BigEndian || Endian == "little" ||
           fail(W, "expected 'little' or 'big'");
  };
  auto readShapes = each(
      [this](const json::Value &V, const At &W) { return readShape(V, W); });
  auto readContexts = each(
      [this](const json::Value &V, const At &W) { return readContext(V, W); });
  auto readSockets = [&](const json::Value &V, const At &W) {
    auto table = [this](SocketKind Kind) {
      return [this, Kind](const json::Value &F, const At &FW) {
        ContextTable &Table = P.Sockets[unsigned(Kind)];
        Table.Name = SocketKeys[unsigned(Kind)].str();
        return readFields(F, FW, Table);
      };
    };
    auto Common = table(SocketKind::SockCommon), Sock = table(SocketKind::Sock),
         Tcp = table(SocketKind::TcpSock), Xdp = table(SocketKind::XdpSock);
    return object(V, W,
                  {{SocketKeys[0], Required, Common},
                   {SocketKeys[1], Required, Sock},
                   {SocketKeys[2], Required, Tcp},
                   {SocketKeys[3], Required, Xdp}});
  };
  auto readPrologues = each(
      [this](const json::Value &V, const At &W) { return readPrologue(V, W); });
  auto readHelperPart = [&](const json::Value &V, const At &W) {
    return readHelpers(V, W);
  };
  auto readKfuncPart = [&](const json::Value &V, const At &W) {
    return readKfuncs(V, W);
  };
  auto readAluPart = [&](const json::Value &V, const At &W) {
    return readAlu(V, W);
  };
  auto readMisc = [&](const json::Value &V, const At &W) {
    return structure(V, W, ArrayRef(MiscFields), Required, P.Misc);
  };
  // A feature that an older file does not mention is one not to rely on.
  auto readFeatures = [&](const json::Value &V, const At &W) {
    return structure(V, W, ArrayRef(FeatureFields), Optional, P.Features);
  };
  auto readLimits = [&](const json::Value &V, const At &W) {
    return structure(V, W, ArrayRef(LimitFields), Required, P.Limits);
  };
  auto readCostPart = [&](const json::Value &V, const At &W) {
    return readCosts(V, W);
  };
  auto readName = text(P.Name), readRelease = text(P.Release),
       readArch = text(P.Arch);
  auto readNotes = texts(P.Notes), readUnconverted = texts(Unconverted);
  if (!object(Root, At(),
              {{"format", Required, readFormat},
               {"name", Required, readName},
               {"release", Required, readRelease},
               {"arch", Required, readArch},
               {"endian", Required, readEndian},
               {"notes", Optional, readNotes},
               {"shapes", Required, readShapes},
               {"contexts", Required, readContexts},
               {"unconverted", Required, readUnconverted},
               {"sockets", Required, readSockets},
               {"directWritePrologue", Required, readPrologues},
               {"helpers", Required, readHelperPart},
               {"kfuncs", Required, readKfuncPart},
               {"alu", Required, readAluPart},
               {"misc", Required, readMisc},
               {"features", Required, readFeatures},
               {"limits", Required, readLimits},
               {"costs", Required, readCostPart}}))
    return false;
  for (std::string &Name : Unconverted) {
    if (P.contextNamed(Name))
      return fail(At().key("unconverted"),
                  "context '" + Name + "' is there twice");
    ContextTable Table;
    Table.Name = std::move(Name);
    Table.Converts = false;
    P.Contexts.push_back(std::move(Table));
  }
  return true;
}

/// LLVM's parser recurses with the document and has no limit of its own.
static bool isTooDeep(StringRef Json) {
  constexpr unsigned MaxDepth = 32;
  unsigned Depth = 0;
  bool InString = false;
  for (size_t I = 0; I < Json.size(); ++I) {
    char C = Json[I];
    if (InString) {
      if (C == '\\')
        ++I;
      else if (C == '"')
        InString = false;
    } else if (C == '"') {
      InString = true;
    } else if (C == '[' || C == '{') {
      if (++Depth > MaxDepth)
        return true;
    } else if ((C == ']' || C == '}') && Depth) {
      --Depth;
    }
  }
  return false;
}

Expected<KernelProfile> KernelProfile::parse(StringRef Json,
                                             StringRef FileName) {
  if (isTooDeep(Json))
    return createStringError(FileName + ": nested too deeply for a profile");
  Expected<json::Value> Root = json::parse(Json);
  if (!Root)
    return createStringError(FileName + ": " + toString(Root.takeError()));
  KernelProfile Profile;
  ProfileReader Reader(Profile);
  if (!Reader.read(*Root))
    return createStringError(FileName + ": " + Reader.error());
  return Profile;
}

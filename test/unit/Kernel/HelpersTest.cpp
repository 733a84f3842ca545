//===- HelpersTest.cpp - facts about helpers
//--------------------------------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Known helpers, what they return and which of them change what.
//
//===----------------------------------------------------------------------===//

#include "Kernel/KernelProfile.h"
#include "gtest/gtest.h"
#include <set>

using namespace prepatch;

namespace {
class Helpers : public testing::Test {
protected:
  KernelProfile P = llvm::cantFail(KernelProfile::builtin("linux-6.18-x86_64"));

  const HelperInfo &get(llvm::StringRef Name) {
    const HelperInfo *Info = P.helperNamed(Name);
    EXPECT_NE(Info, nullptr) << Name.str();
    static const HelperInfo Empty;
    return Info ? *Info : Empty;
  }
};

TEST_F(Helpers, EveryIdIsKnownOnce) {
  std::set<std::string> Names;
  for (uint32_t Id = 1; Id <= 211; ++Id) {
    const HelperInfo *Info = P.helper(Id);
    ASSERT_NE(Info, nullptr) << Id;
    EXPECT_EQ(Info->Id, Id);
    EXPECT_TRUE(Names.insert(Info->Name.str()).second) << Info->Name.str();
  }
  EXPECT_EQ(P.helper(0), nullptr);
  EXPECT_EQ(P.helper(212), nullptr);
  EXPECT_EQ(P.helper(~0u), nullptr);
  EXPECT_EQ(P.helperNamed("no_such_helper"), nullptr);
  EXPECT_EQ(P.helperNamed(""), nullptr);
}

TEST_F(Helpers, NumbersOfTheUapi) {
  EXPECT_EQ(get("map_lookup_elem").Id, 1u);
  EXPECT_EQ(get("get_smp_processor_id").Id, 8u);
  EXPECT_EQ(get("tail_call").Id, 12u);
  EXPECT_EQ(get("sk_storage_get").Id, 107u);
  EXPECT_EQ(get("jiffies64").Id, 118u);
  EXPECT_EQ(get("ringbuf_reserve").Id, 131u);
  EXPECT_EQ(get("loop").Id, 181u);
  EXPECT_EQ(get("kptr_xchg").Id, 194u);
  EXPECT_EQ(get("cgrp_storage_delete").Id, 211u);
}

TEST_F(Helpers, ReturnKinds) {
  EXPECT_EQ(get("map_lookup_elem").Return, HelperReturn::MapValueOrNull);
  EXPECT_EQ(get("get_local_storage").Return, HelperReturn::MapValue);
  EXPECT_EQ(get("sk_fullsock").Return, HelperReturn::SocketOrNull);
  EXPECT_EQ(get("skc_lookup_tcp").Return, HelperReturn::SockCommonOrNull);
  EXPECT_EQ(get("tcp_sock").Return, HelperReturn::TcpSockOrNull);
  EXPECT_EQ(get("ringbuf_reserve").Return, HelperReturn::MemOrNull);
  EXPECT_EQ(get("get_current_task_btf").Return, HelperReturn::BtfPtr);
  EXPECT_EQ(get("get_current_task").Return, HelperReturn::Scalar);
  EXPECT_EQ(get("ringbuf_submit").Return, HelperReturn::Void);
}

TEST_F(Helpers, Arguments) {
  const HelperInfo &Load = get("skb_load_bytes");
  EXPECT_EQ(Load.numArgs(), 4u);
  EXPECT_EQ(Load.Args[0], HelperArg::Ctx);
  EXPECT_EQ(Load.Args[2], HelperArg::MemOut);
  EXPECT_EQ(Load.Args[3], HelperArg::Size);
  EXPECT_EQ(Load.Args[4], HelperArg::None);
  EXPECT_EQ(get("ktime_get_ns").numArgs(), 0u);
  EXPECT_TRUE(get("map_update_elem").takesMap());
  EXPECT_TRUE(get("perf_event_output").takesMap());
  EXPECT_FALSE(get("loop").takesMap());
}

TEST_F(Helpers, PacketChanges) {
  for (const char *Name :
       {"skb_pull_data", "skb_store_bytes", "xdp_adjust_head", "msg_pull_data",
        "l4_csum_replace", "skb_vlan_push", "store_hdr_opt", "tail_call",
        "lwt_push_encap", "clone_redirect"})
    EXPECT_TRUE(get(Name).ChangesPacket) << Name;
  for (const char *Name : {"skb_load_bytes", "map_lookup_elem", "redirect",
                           "fib_lookup", "skb_change_type"})
    EXPECT_FALSE(get(Name).ChangesPacket) << Name;
  // What moves the packet also changes fields seen through the context.
  for (const HelperInfo &Info : P.helpers()) {
    if (Info.ChangesPacket) {
      EXPECT_TRUE(Info.MayWriteCtx) << Info.Name.str();
      EXPECT_FALSE(Info.Pure) << Info.Name.str();
    }
    if (Info.ConstantPerRun) {
      EXPECT_TRUE(Info.Pure) << Info.Name.str();
    }
    if (Info.Pure) {
      EXPECT_FALSE(Info.MayWriteCtx || Info.Acquires || Info.Releases ||
                   Info.CallsBack)
          << Info.Name.str();
    }
  }
}

TEST_F(Helpers, OneResultForOneRun) {
  for (const char *Name :
       {"get_smp_processor_id", "get_current_pid_tgid", "get_current_uid_gid",
        "get_current_task", "get_current_task_btf", "get_numa_node_id"})
    EXPECT_TRUE(get(Name).ConstantPerRun) << Name;
  for (const char *Name : {"ktime_get_ns", "get_prandom_u32", "jiffies64",
                           "map_lookup_elem", "get_retval"})
    EXPECT_FALSE(get(Name).ConstantPerRun) << Name;
}

TEST_F(Helpers, CallbacksAndReferences) {
  EXPECT_TRUE(get("loop").CallsBack);
  EXPECT_TRUE(get("for_each_map_elem").CallsBack);
  EXPECT_TRUE(get("timer_set_callback").CallsBack);
  EXPECT_TRUE(get("copy_from_user").MaySleep);
  EXPECT_TRUE(get("sk_lookup_tcp").Acquires);
  EXPECT_TRUE(get("sk_release").Releases);
}
} // namespace

//===- Guest.cpp - turns a bare kernel into a machine for commands --------===//
//
// Part of prepatch, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// System calls only: there is no shell, no modprobe and no ip here.
//
//===----------------------------------------------------------------------===//

#include "Guest.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

using namespace prepatch::vm;

static std::string errorText(const std::string &What) {
  return What + ": " + strerror(errno);
}

void prepatch::vm::sayOnConsole(const std::string &Text) {
  dprintf(STDERR_FILENO, "prepatch-vm: %s\n", Text.c_str());
}

static bool readOptions(GuestOptions &Options) {
  std::ifstream File("/options");
  return bool(File >> Options.Port >> Options.Address >> Options.Netmask >>
              Options.Token);
}

/// Modules stand in the list behind those they depend on. One that does not
/// load may still be one that nobody needs, so that is only said.
static void loadModules(const char *ListName) {
  std::ifstream List(ListName);
  for (std::string Name; std::getline(List, Name);) {
    int Fd = open(("/modules/" + Name).c_str(), O_RDONLY | O_CLOEXEC);
    if (Fd < 0 || (syscall(SYS_finit_module, Fd, "", 0) != 0 &&
                   errno != EEXIST && errno != ENODEV))
      sayOnConsole(errorText("module " + Name));
    if (Fd >= 0)
      close(Fd);
  }
}

static bool bringUp(int Socket, const char *Name, const char *Address,
                    const char *Netmask) {
  ifreq Request = {};
  snprintf(Request.ifr_name, sizeof(Request.ifr_name), "%s", Name);
  auto *Place = reinterpret_cast<sockaddr_in *>(&Request.ifr_addr);
  if (Address) {
    Place->sin_family = AF_INET;
    inet_pton(AF_INET, Address, &Place->sin_addr);
    if (ioctl(Socket, SIOCSIFADDR, &Request) != 0)
      return false;
    inet_pton(AF_INET, Netmask, &Place->sin_addr);
    if (ioctl(Socket, SIOCSIFNETMASK, &Request) != 0)
      return false;
  }
  if (ioctl(Socket, SIOCGIFFLAGS, &Request) != 0)
    return false;
  Request.ifr_flags |= IFF_UP | IFF_RUNNING;
  return ioctl(Socket, SIOCSIFFLAGS, &Request) == 0;
}

/// The name of the first network card, empty if there is none.
static std::string findCard(int Socket) {
  std::string Found;
  struct if_nameindex *All = if_nameindex();
  for (auto *I = All; I && I->if_index != 0 && Found.empty(); ++I) {
    ifreq Request = {};
    snprintf(Request.ifr_name, sizeof(Request.ifr_name), "%s", I->if_name);
    if (ioctl(Socket, SIOCGIFHWADDR, &Request) == 0 &&
        Request.ifr_hwaddr.sa_family == ARPHRD_ETHER)
      Found = I->if_name;
  }
  if (All)
    if_freenameindex(All);
  return Found;
}

static bool setUpNetwork(const GuestOptions &Options, std::string &Error) {
  int Socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (Socket < 0) {
    Error = errorText("the network");
    return false;
  }
  bringUp(Socket, "lo", nullptr, nullptr);
  std::string Card = findCard(Socket);
  bool Good =
      !Card.empty() && bringUp(Socket, Card.c_str(), Options.Address.c_str(),
                               Options.Netmask.c_str());
  if (Card.empty())
    Error = "no network card: this kernel has no virtio_pci and virtio_net, "
            "built in or as modules";
  else if (!Good)
    Error = errorText("network card " + Card);
  close(Socket);
  return Good;
}

namespace {
struct MountPoint {
  const char *Type;
  const char *Place;
  const char *Data;
  bool Needed;
};
} // namespace

// The files of the host stay read-only; what programs want to write, goes
// where memory of the guest lies over them.
static const MountPoint MountPoints[] = {
    {"proc", "/proc", "", true},
    {"sysfs", "/sys", "", true},
    {"devtmpfs", "/dev", "", true},
    {"tmpfs", "/run", "mode=1777", true},
    {"tmpfs", "/dev/shm", "mode=1777", false},
    {"devpts", "/dev/pts", "", false},
    {"bpf", "/sys/fs/bpf", "mode=700", false},
    {"cgroup2", "/sys/fs/cgroup", "", false},
    {"securityfs", "/sys/kernel/security", "", false},
    {"debugfs", "/sys/kernel/debug", "", false},
    {"tracefs", "/sys/kernel/tracing", "", false},
};

static bool mountFiles(std::string &Error) {
  const char *Root = "/host";
  mkdir(Root, 0755);
  // No cache: what the host builds is seen at once, by name and by content.
  if (mount("host", Root, "9p", MS_RDONLY,
            "trans=virtio,version=9p2000.L,cache=none,msize=512000") != 0) {
    Error = errorText("the files of the host") +
            "; this kernel needs 9p and 9pnet_virtio, built in or as modules";
    return false;
  }
  for (const MountPoint &Point : MountPoints) {
    std::string Place = std::string(Root) + Point.Place;
    // In file systems of the guest, there can be folders to make.
    mkdir(Place.c_str(), 0755);
    if (mount(Point.Type, Place.c_str(), Point.Type, 0, Point.Data) != 0 &&
        Point.Needed) {
      Error = errorText(std::string(Point.Type) + " on " + Point.Place);
      return false;
    }
  }
  if (chdir(Root) != 0 || mount(".", "/", nullptr, MS_MOVE, nullptr) != 0 ||
      chroot(".") != 0 || chdir("/") != 0) {
    Error = errorText("the files of the host as root folder");
    return false;
  }
  return true;
}

static void writeSetting(const char *Name, const char *Value) {
  int Fd = open(Name, O_WRONLY | O_CLOEXEC);
  if (Fd < 0 || write(Fd, Value, strlen(Value)) < 0)
    sayOnConsole(errorText(Name));
  if (Fd >= 0)
    close(Fd);
}

bool prepatch::vm::setUpGuest(GuestOptions &Options, std::string &Error) {
  if (!readOptions(Options)) {
    Error = "no options in the initramfs";
    return false;
  }
  loadModules("/modules/needed");
  if (!setUpNetwork(Options, Error))
    return false;
  loadModules("/modules/wanted");
  if (!mountFiles(Error))
    return false;
  writeSetting("/proc/sys/net/core/bpf_jit_enable", "1");
  rlimit Unlimited = {RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_MEMLOCK, &Unlimited);
  rlimit Files = {65536, 65536};
  setrlimit(RLIMIT_NOFILE, &Files);
  return true;
}

#include "Behaviour.h"
using namespace prepatch;
class BehaviourLab::Impl {};
BehaviourLab::BehaviourLab(const std::vector<std::string> &, const std::vector<LoadPlan> &, uint64_t) {}
BehaviourLab::~BehaviourLab() = default;
std::vector<BehaviourResult> BehaviourLab::compare(const std::vector<BehaviourSubject> &S, unsigned) { return std::vector<BehaviourResult>(S.size()); }
std::vector<std::vector<uint32_t>> BehaviourLab::time(const std::vector<BehaviourSubject> &S, unsigned) { return std::vector<std::vector<uint32_t>>(S.size()); }

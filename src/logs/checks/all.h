// Every check, for the list.
#pragma once

#include "logs/checks/check.h"

namespace rg::logs {

CheckResult check_id_range(const CheckInput& input);     // L1
CheckResult check_id_twice(const CheckInput& input);     // L2
CheckResult check_top_k(const CheckInput& input);        // L3
CheckResult check_weight_rule(const CheckInput& input);  // L4
CheckResult check_order(const CheckInput& input);        // L5
CheckResult check_start_up(const CheckInput& input);     // L6
CheckResult check_row_counts(const CheckInput& input);   // L7
CheckResult check_shift(const CheckInput& input);        // L8
CheckResult check_padding(const CheckInput& input);      // L9
CheckResult check_strides(const CheckInput& input);      // L10
CheckResult check_layers(const CheckInput& input);       // L11
CheckResult check_loads(const CheckInput& input);        // L12
CheckResult check_router(const CheckInput& input);       // L13
CheckResult check_phases(const CheckInput& input);       // L14

}  // namespace rg::logs

// The arrays of an audit's artifact: decile_edges and per_window.
#pragma once

#include "experiments/audit/audit.h"

namespace rg::experiments {

inline constexpr std::array<const char*, static_cast<size_t>(MarginKind::kinds)> kMarginKinds = {
    "set", "logit", "group"};

// {set, logit, group: {L: [11] or null}}.
Json decile_edges_json(const AuditRecord& record, Nulls& nulls);
Json audit_per_window(const AuditResults& results, const WindowOutputs& outputs, Nulls& nulls);

}  // namespace rg::experiments

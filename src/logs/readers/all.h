// Every reader, for the list.
#pragma once

#include "logs/readers/reader.h"

namespace rg::logs {

bool accepts_own_record(const Source& source, const ReadOptions& options);
Record read_own_record(const Source& source, const ReadOptions& options);

bool accepts_trace(const Source& source, const ReadOptions& options);
Record read_trace(const Source& source, const ReadOptions& options);

bool accepts_id_arrays(const Source& source, const ReadOptions& options);
Record read_id_arrays(const Source& source, const ReadOptions& options);

bool accepts_router_logits(const Source& source, const ReadOptions& options);
Record read_router_logits(const Source& source, const ReadOptions& options);

bool accepts_engine_answers(const Source& source, const ReadOptions& options);
Record read_engine_answers(const Source& source, const ReadOptions& options);

bool accepts_json_lines(const Source& source, const ReadOptions& options);
Record read_json_lines(const Source& source, const ReadOptions& options);

bool accepts_route_csv(const Source& source, const ReadOptions& options);
Record read_route_csv(const Source& source, const ReadOptions& options);

}  // namespace rg::logs

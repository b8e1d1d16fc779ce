// What the program knows about a finished pass, in the form that artifacts carry.
#pragma once

#include "app/measurement.h"
#include "app/options.h"
#include "record/artifact.h"
#include "stream/pass.h"

namespace rg::app {

// The settings that results depend on, defaults included. No paths, threads or block sizes.
Json effective_settings(const RunOptions& options, const Measurement& measurement);

record::RunFacts run_facts(const RunOptions& options, const Measurement& measurement,
                           const stream::PassResult& pass);
record::DomainFacts domain_facts(const RunOptions& options, const Measurement& measurement,
                                 size_t domain);

uint64_t peak_memory_bytes();  // of this process so far

}  // namespace rg::app

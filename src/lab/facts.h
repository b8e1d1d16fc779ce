// What is known about a pass, in the form that artifacts carry.
#pragma once

#include <filesystem>

#include "lab/pass.h"
#include "record/artifact.h"

namespace rg::lab {

// The settings that results depend on, defaults included. No paths, threads or block sizes.
Json effective_settings(const Pass& pass);

// What was read of a checkpoint, under its own name.
record::UsedCheckpoint used_checkpoint(const Subject& subject,
                                       std::span<const stream::TensorDigest> digests);
// `out`: the folder of the run, for the manifest. The pass has a tokenizer.
record::RunFacts run_facts(const Pass& pass, const stream::PassResult& result,
                           const std::filesystem::path& out);
record::DomainFacts domain_facts(const Pass& pass, size_t domain);

}  // namespace rg::lab

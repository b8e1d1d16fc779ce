#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "logs/readers/all.h"
#include "logs/readers/reader.h"
#include "logs/refuse.h"
#include "tensor/buffer.h"

namespace rg::logs {
namespace {

constexpr Reader kReaders[] = {
    {"routegauge", "routing.safetensors as this program writes it", accepts_own_record,
     read_own_record},
    {"trace", "what routegauge trace --tensors writes", accepts_trace, read_trace},
    {"ids", "expert ids (tokens, layers, k) as .npy or safetensors", accepts_id_arrays,
     read_id_arrays},
    {"router-logits", "router logits of transformers as .npy or safetensors", accepts_router_logits,
     read_router_logits},
    {"engine", "answers of vLLM or SGLang with routed_experts, as JSON or JSON lines",
     accepts_engine_answers, read_engine_answers},
    {"jsonl", "JSON lines, one per token and layer or one per token", accepts_json_lines,
     read_json_lines},
    {"csv", "route traces of llama.cpp forks", accepts_route_csv, read_route_csv},
};

struct Signature {
  std::string_view start;
  std::string_view what, way_out;
};

constexpr std::string_view kFromPickle =
    "Loading it runs code that it holds. In Python, once you trust it: import torch; from "
    "safetensors.torch import save_file; x = torch.load(FILE, weights_only=True); x = x if "
    "torch.is_tensor(x) else torch.stack([torch.as_tensor(r) for r in x]); "
    "save_file({'topk_ids': x.contiguous()}, 'log.safetensors')";
constexpr std::string_view kFromZip =
    "numpy's .npz is a zip, and so is torch's .pt, which is pickled. Of an .npz, in Python: import "
    "numpy; from safetensors.numpy import save_file; z = numpy.load(FILE, allow_pickle=False); "
    "a = {n: numpy.ascontiguousarray(z[n]) for n in z.files}; save_file(a, 'log.safetensors')";

constexpr Signature kRefused[] = {
    {"PK\x03\x04", "a zip archive", kFromZip},
    {"\x80\x02", "a pickled object", kFromPickle},
    {"\x80\x03", "a pickled object", kFromPickle},
    {"\x80\x04", "a pickled object", kFromPickle},
    {"\x80\x05", "a pickled object", kFromPickle},
    {"\x1f\x8b", "a gzip file", "Unpack it first: gunzip FILE."},
    {"\x28\xb5\x2f\xfd", "a zstd file", "Unpack it first: unzstd FILE."},
    {"PAR1", "a Parquet file", "Write its columns as JSON lines or as a safetensors file."},
};

std::string reader_names() {
  std::string names;
  for (const Reader& reader : kReaders) {
    if (!names.empty()) names += ", ";
    names += reader.name;
  }
  return names;
}

const Reader& choose(const Source& source, const ReadOptions& options) {
  if (!options.format.empty()) {
    for (const Reader& reader : kReaders) {
      if (reader.name == options.format) return reader;
    }
    throw Error(
        ErrorId::US001,
        {.object = "--format", .found = options.format, .expected = "one of " + reader_names()});
  }
  for (const Signature& signature : kRefused) {
    if (source.text().starts_with(signature.start)) {
      refuse(ErrorId::LG002, source.name, "", std::string(signature.what), "a format that is read",
             std::string(signature.way_out));
    }
  }
  for (const Reader& reader : kReaders) {
    if (reader.accepts(source, options)) return reader;
  }
  refuse(ErrorId::LG001, source.name, "",
         source.bytes.empty() ? "an empty file" : "no layout that is known",
         "one of: " + reader_names(),
         "docs/routing-logs.md shows each. --format says which one it is, --field what its fields "
         "are called.");
}

}  // namespace

std::span<const Reader> readers() { return kReaders; }

Record read_log(const Source& source, const ReadOptions& options) {
  const Reader& reader = choose(source, options);
  Record record = reader.read(source, options);
  record.format = reader.name;
  record.sources.push_back({source.path.empty() ? source.name : source.path.filename().string(),
                            sha256_hex(source.bytes)});
  if (record.model.empty() && options.model) record.model = options.model->name;
  if (options.experts) record.experts = *options.experts;
  check_shapes(record);
  return record;
}

Record read_log_file(const std::filesystem::path& path, const ReadOptions& options) {
  std::error_code ignored;
  const std::filesystem::path file_path =
      std::filesystem::is_directory(path, ignored) ? path / "routing.safetensors" : path;
  const InputFile file(file_path);
  Buffer<std::byte> bytes(file.bytes());
  file.read_exact(0, bytes.span());
  return read_log({.name = file_path.string(), .path = file_path, .bytes = bytes.span()}, options);
}

}  // namespace rg::logs

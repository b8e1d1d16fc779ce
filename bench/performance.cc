// The main benchmark: a whole pass against the ceiling of its own products, in one process.
// Prints every ratio and writes build/bench/performance.json. --decode, --blocks, --import, --keys,
// --certificates and --key-tap print only how fast packed weights are decoded, token mixers run,
// routing logs are checked, gauges of keys are found, certificates made and keys shown; --peer only
// compares with transformers; --large streams a checkpoint of 24 GB in little memory. Nothing here
// judges: see docs/performance.md for what the figures should be and what they were where.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include "audit_rate.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/random.h"
#include "block_rate.h"
#include "ceiling.h"
#include "certificate_rate.h"
#include "clock.h"
#include "decode_rate.h"
#include "experiments/experiment.h"
#include "family_rate.h"
#include "import_rate.h"
#include "kernels/elementwise.h"
#include "key_rate.h"
#include "key_watcher.h"
#include "silent.h"
#include "stream/pass.h"
#include "synthetic_checkpoint.h"
#include "timed_observer.h"

namespace rg::bench {
namespace {

constexpr uint32_t kSeqLen = 256;
constexpr uint32_t kExperimentSeed = 1;

tap::SequenceSet random_windows(uint32_t windows, uint32_t vocabulary) {
  tap::SequenceSet set{.name = "domain:random", .lengths = {}, .ids = {}, .causal = true};
  set.lengths.assign(windows, kSeqLen);
  for (uint32_t i = 0; i < windows * kSeqLen; ++i) {
    set.ids.push_back(static_cast<int32_t>(draw_below(vocabulary, 5, Purpose::audit, {i, 0, 0})));
  }
  return set;
}

// Prompts of a dozen random tokens stand for the nine prompts and twelve probes.
tap::SequenceSet random_prompts(uint32_t count, uint32_t vocabulary, bool causal) {
  tap::SequenceSet set{.name = causal ? "prompts" : "prompts-unmasked",
                       .lengths = std::vector<uint32_t>(count, 12),
                       .ids = {},
                       .causal = causal};
  for (uint32_t i = 0; i < count * 12; ++i) {
    set.ids.push_back(static_cast<int32_t>(draw_below(vocabulary, 6, Purpose::audit, {i, 0, 0})));
  }
  return set;
}

struct Bench {
  formats::Checkpoint checkpoint;
  model::Model model;
  tap::SequenceSet windows, prompts, unmasked;
  stream::Settings settings;

  explicit Bench(const std::filesystem::path& folder, uint32_t window_count)
      : checkpoint(formats::Checkpoint::open(formats::resolve_model(folder.string()))),
        model(model::bind_model(checkpoint)),
        windows(random_windows(window_count, model.vocabulary)),
        prompts(random_prompts(21, model.vocabulary, true)),
        unmasked(random_prompts(21, model.vocabulary, false)) {
    settings.compute = stream::choose_compute("auto");
    settings.threads = static_cast<int>(std::thread::hardware_concurrency());
    settings.spill_folder = folder;
  }

  struct Timing {
    stream::Plan plan;
    stream::PassResult result;
    std::vector<std::pair<std::string, double>> observer_seconds = {};  // by experiment
  };

  Timing plain(const stream::Settings& with) {
    const tap::SequenceSet* sets[] = {&windows};
    Silent silent;
    const stream::Plan plan = stream::make_plan(model, sets, {}, with);
    return {plan, stream::run_pass(checkpoint, model, sets, {}, with, plan, silent)};
  }

  // With an observer that is shown every query, key and value and does nothing.
  Timing tapped(const stream::Settings& with) {
    KeyWatcher watcher(windows);
    const tap::SequenceSet* sets[] = {&windows};
    tap::Observer* observers[] = {&watcher};
    Silent silent;
    const stream::Plan plan = stream::make_plan(model, sets, observers, with);
    return {plan, stream::run_pass(checkpoint, model, sets, observers, with, plan, silent)};
  }

  Timing four(const stream::Settings& with) {
    experiments::Setting setting{.moe_layers = model.moe_layers(),
                                 .layers = model.moe_layers(),
                                 .spec = model.gate(),
                                 .width = model.width,
                                 .parameters = {},
                                 .window_document = {},
                                 .prompts = {}};
    setting.seed = kExperimentSeed;
    setting.threads = with.threads;
    setting.windows = &windows;
    setting.seq_len = kSeqLen;
    for (uint32_t w = 0; w < windows.sequences(); ++w) setting.window_document.push_back(w / 4);
    setting.prompt_set = &prompts;
    setting.prompt_set_unmasked = &unmasked;
    for (uint32_t p = 0; p < prompts.sequences(); ++p) {
      setting.prompts.push_back({.text = fmt::format("prompt {}", p),
                                 .target = p < 9 ? "" : "target",
                                 .exact_position = 11,
                                 .published_position = 11});
    }
    std::vector<std::unique_ptr<experiments::Experiment>> made;
    std::vector<std::unique_ptr<TimedObserver>> timed;
    std::vector<tap::Observer*> observers;
    for (const experiments::Declaration& declaration : experiments::all_experiments()) {
      made.push_back(declaration.make(setting));
      timed.push_back(std::make_unique<TimedObserver>(*made.back(), with.threads));
      observers.push_back(timed.back().get());
    }
    const tap::SequenceSet* sets[] = {&windows, &prompts, &unmasked};
    Silent silent;
    const stream::Plan plan = stream::make_plan(model, sets, observers, with);
    Timing timing{plan, stream::run_pass(checkpoint, model, sets, observers, with, plan, silent)};
    for (size_t i = 0; i < timed.size(); ++i) {
      timing.observer_seconds.emplace_back(experiments::all_experiments()[i].name,
                                           timed[i]->seconds());
    }
    return timing;
  }
};

// Floating-point operations of the routed expert products of a pass.
double expert_flops(const model::Model& model, double rows) {
  return 6.0 * model.width * model.expert_width() * model.gate().top_k *
         static_cast<double>(model.layers.size()) * rows;
}

void drop_pages(const std::filesystem::path& file) {
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  fdatasync(descriptor);
  posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
  close(descriptor);
}

// The disk's own rate: half a GB of the checkpoint, pages dropped first.
double disk_bytes_per_s(const std::filesystem::path& file) {
  drop_pages(file);
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  constexpr uint64_t kBytes = uint64_t{512} << 20;
  std::vector<char> buffer(uint64_t{4} << 20);
  const double start = seconds_now();
  uint64_t done = 0;
  while (done < kBytes) {
    const ssize_t got = pread(descriptor, buffer.data(), buffer.size(), static_cast<off_t>(done));
    if (got <= 0) break;
    done += static_cast<uint64_t>(got);
  }
  close(descriptor);
  return static_cast<double>(done) / (seconds_now() - start);
}

// Peak memory of this process so far (VmHWM, not ru_maxrss: that one survives fork and exec).
double peak_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) * 1024;
  }
  return 0;
}

// A plain pass in a process of its own.
struct Alone {
  double seconds = 0, peak_bytes = 0, read_bytes = 0;
};
Alone plain_pass_alone(const std::string& program, const std::string& folder, uint32_t windows,
                       const std::string& compute, uint64_t memory_bytes) {
  const std::string command =
      fmt::format("'{}' --plain '{}' {} {} {}", program, folder, windows, compute, memory_bytes);
  Alone alone;
  FILE* child = popen(command.c_str(), "r");
  if (child == nullptr || std::fscanf(child, "%lf %lf %lf", &alone.seconds, &alone.peak_bytes,
                                      &alone.read_bytes) != 3) {
    alone = {};
  }
  if (child != nullptr) pclose(child);
  return alone;
}

// The child of plain_pass_alone().
int print_plain_pass(const std::string& folder, uint32_t windows, const std::string& compute,
                     uint64_t memory_bytes) {
  Bench bench(folder, windows);
  bench.settings.compute = stream::choose_compute(compute);
  if (memory_bytes != 0) bench.settings.memory_bytes = memory_bytes;
  const uint64_t before = bench.checkpoint.bytes_read();
  const Bench::Timing timing = bench.plain(bench.settings);
  fmt::print("{} {:.0f} {}\n", timing.result.seconds, peak_bytes(),
             bench.checkpoint.bytes_read() - before);
  return 0;
}

// A line of the table, kept for performance.json too.
void add_row(Json& figures, const std::string& name, double value, const std::string& meaning) {
  figures[name.substr(name.find_first_not_of(' '))] = value;
  fmt::print("{:<24} {:8.3f}   {}\n", name, value, meaning);
  std::fflush(stdout);
}

void report_decoding(Json& figures) {
  fmt::print("decoding with {}, one thread\n", kernels::isa_name());
  for (const DecodeRate& rate : decode_rates()) {
    add_row(figures, rate.name, rate.packed_per_s / 1e9,
            fmt::format("GB/s of packed bytes; writes {:.2f} GB/s", rate.written_per_s / 1e9));
    add_row(figures, "  " + rate.name + "_vs_copy", rate.vs_copy,
            "of the speed of memcpy of the bytes written");
  }
}

void report_blocks(Json& figures, kernels::Compute compute, int threads) {
  for (const BlockRate& rate : block_rates(compute, threads)) {
    add_row(figures, rate.name + "_vs_ceiling", rate.flops_per_s / rate.ceiling,
            fmt::format("{:.0f} of {:.0f} GFLOP/s, widths of {}", rate.flops_per_s / 1e9,
                        rate.ceiling / 1e9, rate.of));
  }
}

void report_import(Json& figures, const std::filesystem::path& folder, int threads) {
  const ImportRate rate = import_rate(folder, threads);
  add_row(figures, "import_seconds", rate.seconds,
          fmt::format("a log with {:.0f} MB of ids read and checked", rate.bytes / 1e6));
}

// Passes with and without the tap in turn, the fastest of each; and the processor time of both,
// which other programs on the machine disturb less.
void report_key_tap(Json& figures, Bench& bench, int repeats) {
  struct Best {
    double seconds = HUGE_VAL, processor_seconds = HUGE_VAL;
  } plain, tapped;
  const auto time = [](Best& best, const auto& pass) {
    const std::clock_t start = std::clock();
    best.seconds = std::min(best.seconds, pass().result.seconds);
    best.processor_seconds = std::min(best.processor_seconds,
                                      static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  };
  for (int i = 0; i < repeats; ++i) {
    time(tapped, [&] { return bench.tapped(bench.settings); });
    time(plain, [&] { return bench.plain(bench.settings); });
  }
  add_row(figures, "key_tap_vs_plain", tapped.seconds / plain.seconds,
          fmt::format("a pass that shows queries, keys and values {:.2f} s, without {:.2f} s; "
                      "processor time {:.3f}",
                      tapped.seconds, plain.seconds,
                      tapped.processor_seconds / plain.processor_seconds));
}

void report_keys(Json& figures, int threads) {
  const KeyRate rate = key_rate(threads);
  add_row(figures, "gauges_seconds", rate.seconds_measured / rate.heads_measured * rate.heads,
          fmt::format("all gauges of {} heads of d = {} and {} keys: {} heads took {:.2f} s on {} "
                      "threads ({:.2f} s of CPU time), times {}",
                      rate.heads, rate.width, rate.keys, rate.heads_measured, rate.seconds_measured,
                      threads, rate.cpu_seconds, rate.heads / rate.heads_measured));
  add_row(figures, "itq_vs_product", rate.itq_products_per_s / rate.product_per_s,
          fmt::format("ITQ's products {:.0f} GFLOP/s, keys times a matrix {:.0f}, one thread",
                      rate.itq_products_per_s / 1e9, rate.product_per_s / 1e9));
  add_row(figures, "  itq_step_vs_product", rate.itq_step_per_s / rate.product_per_s,
          fmt::format("the same over a whole step, signs and polar factor included: {:.1f} ms",
                      1e3 * rate.itq_step_seconds));
}

void report_certificates(Json& figures) {
  const CertificateRate rate = certificate_rate();
  const auto add = [&](const std::string& name, const CertificateRate::Level& level) {
    add_row(
        figures, name + "_seconds", level.make_seconds,
        fmt::format("a certificate for keys ({}, {}) and {} experts, {} bytes; {:.2f} s to check",
                    rate.keys, rate.width, rate.experts, level.bytes, level.check_seconds));
  };
  add("exact_certificate", rate.exact);
  add("enclosed_certificate", rate.enclosed);
  add("manifold_certificate", rate.on_manifold);
  add("exact_after_attention", rate.exact_after);
  add("enclosed_after_attention", rate.enclosed_after);
  add("manifold_after_attention", rate.manifold_after);
}

// transformers on the same windows, if PEER_PYTHON names a Python that has it.
void report_peer(Json& figures, const std::string& program, const Bench& bench,
                 const std::filesystem::path& folder) {
  const char* python = std::getenv("PEER_PYTHON");
  if (python == nullptr) {
    fmt::print(
        "peer_ratio               not measured: set PEER_PYTHON to a Python with "
        "transformers\n");
    return;
  }
  constexpr uint32_t kWindows = 40;
  const tap::SequenceSet some = random_windows(kWindows, bench.model.vocabulary);
  Json ids = Json::array();
  for (uint32_t w = 0; w < kWindows; ++w) {
    ids.push_back(
        std::vector<int32_t>(some.ids.begin() + w * kSeqLen, some.ids.begin() + (w + 1) * kSeqLen));
  }
  const std::filesystem::path file = folder / "windows.json";
  write_file_atomically(file, write_json(ids, JsonLayout::compact), IfExists::replace);
  const std::string command =
      fmt::format("OMP_NUM_THREADS={} '{}' '{}' '{}' '{}'", bench.settings.threads, python,
                  RG_PEER_SCRIPT, folder.string(), file.string());
  FILE* child = popen(command.c_str(), "r");
  char versions[2][32] = {};
  double seconds = 0, bytes = 0;
  const bool done = child != nullptr && std::fscanf(child, "%31s %31s %lf %lf", versions[0],
                                                    versions[1], &seconds, &bytes) == 4;
  if (child != nullptr) pclose(child);
  check_internal(done, "PEER_PYTHON runs bench/peer.py");
  const Alone ours = plain_pass_alone(program, folder.string(), kWindows, "f32", 0);
  const double tokens = kWindows * kSeqLen;
  add_row(figures, "peer_ratio", seconds / ours.seconds,
          fmt::format("f32, {:.0f} tokens/s, peak {:.2f} GB; transformers {} eager f32 (torch {}): "
                      "{:.0f} tokens/s, {:.2f} GB",
                      tokens / ours.seconds, ours.peak_bytes / 1e9, versions[0], versions[1],
                      tokens / seconds, bytes / 1e9));
}

// A checkpoint in DeepSeek-V3's shape, four times as large as the memory that the pass is given.
void report_large(const std::string& program, const std::filesystem::path& folder) {
  constexpr uint32_t kWindows = 40;
  write_synthetic_checkpoint(folder, deepseek_shaped());
  const Bench bench(folder, kWindows);
  const std::filesystem::path file = folder / "model.safetensors";
  const auto weights = static_cast<double>(bench.checkpoint.weight_bytes());
  const uint64_t memory = bench.checkpoint.weight_bytes() / 4;
  Json figures;
  const double disk = disk_bytes_per_s(file);
  drop_pages(file);
  const Alone free = plain_pass_alone(program, folder.string(), kWindows, "auto", 0);
  drop_pages(file);
  const Alone tight = plain_pass_alone(program, folder.string(), kWindows, "auto", memory);
  add_row(figures, "large_memory_speed", free.seconds / tight.seconds,
          fmt::format("{:.2f} GB of weights, {:.1f} s with {:.2f} GB, {:.1f} s unlimited; disk "
                      "{:.2f} GB/s",
                      weights / 1e9, tight.seconds, static_cast<double>(memory) / 1e9, free.seconds,
                      disk / 1e9));
  add_row(figures, "large_peak", tight.peak_bytes / static_cast<double>(memory),
          fmt::format("peak {:.2f} GB / what it was given; unlimited {:.2f} GB",
                      tight.peak_bytes / 1e9, free.peak_bytes / 1e9));
  add_row(figures, "large_bytes_read_ratio", tight.read_bytes / weights,
          "weight bytes read / in the checkpoint");
  std::filesystem::create_directories("build/bench");
  write_file_atomically("build/bench/large.json", write_json(figures, JsonLayout::indented),
                        IfExists::replace);
}

int run(int argc, char** argv) {
  stream::apply_isa_limit();
  if (argc == 2 && std::string_view(argv[1]) == "--blocks") {
    Json figures;
    report_blocks(figures, stream::choose_compute("auto"),
                  static_cast<int>(std::thread::hardware_concurrency()));
    return 0;
  }
  if (argc == 2 && std::string_view(argv[1]) == "--decode") {
    Json figures;
    report_decoding(figures);
    return 0;
  }
  if (argc == 2 && std::string_view(argv[1]) == "--keys") {
    Json figures;
    report_keys(figures, static_cast<int>(std::thread::hardware_concurrency()));
    return 0;
  }
  if (argc == 2 && std::string_view(argv[1]) == "--certificates") {
    Json figures;
    report_certificates(figures);
    return 0;
  }
  if (argc == 2 && std::string_view(argv[1]) == "--import") {
    Json figures;
    std::filesystem::create_directories("build/bench");
    report_import(figures, "build/bench", static_cast<int>(std::thread::hardware_concurrency()));
    return 0;
  }
  if (argc == 6 && std::string_view(argv[1]) == "--plain") {
    return print_plain_pass(argv[2], static_cast<uint32_t>(std::stoul(argv[3])), argv[4],
                            std::stoull(argv[5]));
  }
  if (argc >= 2 && std::string_view(argv[1]) == "--peer") {
    const std::filesystem::path folder = argc > 2 ? argv[2] : "build/bench/olmoe-shaped";
    write_synthetic_checkpoint(folder, olmoe_shaped());
    Json figures;
    report_peer(figures, argv[0], Bench(folder, 1), folder);
    return 0;
  }
  if (argc >= 2 && std::string_view(argv[1]) == "--key-tap") {
    const std::filesystem::path folder = argc > 2 ? argv[2] : "build/bench/olmoe-shaped";
    write_synthetic_checkpoint(folder, olmoe_shaped());
    Bench bench(folder, argc > 3 ? static_cast<uint32_t>(std::stoul(argv[3])) : 40);
    Json figures;
    report_key_tap(figures, bench, 3);
    return 0;
  }
  if (argc >= 2 && std::string_view(argv[1]) == "--large") {
    report_large(argv[0], argc > 2 ? argv[2] : "build/bench/deepseek-shaped");
    return 0;
  }
  const std::filesystem::path folder = argc > 1 ? argv[1] : "build/bench/olmoe-shaped";
  const uint32_t windows = argc > 2 ? static_cast<uint32_t>(std::stoul(argv[2])) : 200;
  write_synthetic_checkpoint(folder, olmoe_shaped());
  Bench bench(folder, windows);
  const model::Model& model = bench.model;
  const stream::Settings base = bench.settings;
  const uint32_t rows = windows * kSeqLen;
  const double disk = disk_bytes_per_s(folder / "model.safetensors");
  fmt::print("{} tokens, {} threads, {} compute, {} ({}), disk {:.2f} GB/s\n", rows, base.threads,
             stream::numeric_profile(base.compute).compute,
             stream::numeric_profile(base.compute).isa,
             stream::numeric_profile(base.compute).onednn, disk / 1e9);

  Json figures;
  const auto report = [&](const std::string& name, double value, const std::string& meaning) {
    add_row(figures, name, value, meaning);
  };
  const ProductKind fastest =
      fastest_product(model.width, 2 * model.expert_width(), base.compute, base.threads);
  const auto measure_ceiling = [&] {
    return grouped_products_per_s(fastest, model.width, model.expert_width(), model.gate().experts,
                                  rows * model.gate().top_k / model.gate().experts, base.compute,
                                  base.threads);
  };
  double ceiling = measure_ceiling();
  report("ceiling_gflops", ceiling / 1e9, "grouped products alone: " + fastest.name());

  stream::Settings packed = base;
  packed.whole_model_first = true;
  const Bench::Timing warm = bench.plain(packed);
  ceiling = std::max(ceiling, measure_ceiling());
  figures["ceiling_gflops"] = ceiling / 1e9;
  report("forward_vs_ceiling", warm.plan.flops / warm.result.layer_seconds / ceiling,
         fmt::format("layers alone {:.2f} s", warm.result.layer_seconds));
  const double in_experts = expert_flops(bench.model, rows);
  report(
      "  attention_vs_ceiling",
      (warm.plan.flops - in_experts) / warm.result.attention_seconds / ceiling,
      fmt::format("attention, norms, router and decision {:.2f} s", warm.result.attention_seconds));
  report("  experts_vs_ceiling", in_experts / warm.result.expert_seconds / ceiling,
         fmt::format("experts, gathered and added up {:.2f} s", warm.result.expert_seconds));

  const Bench::Timing cold = bench.plain(base);
  const double plain_seconds = cold.result.seconds;
  report("pass_vs_ceiling", cold.plan.flops / plain_seconds / ceiling,
         fmt::format("from reading to the last hidden state {:.2f} s", plain_seconds));

  const uint64_t read_before = bench.checkpoint.bytes_read();
  const Bench::Timing four = bench.four(base);
  report("experiments_overhead", (four.result.seconds - plain_seconds) / plain_seconds,
         fmt::format("all four experiments {:.2f} s", four.result.seconds));
  for (const auto& [name, seconds] : four.observer_seconds) {
    report("  " + name, seconds / plain_seconds, fmt::format("its own work {:.2f} s", seconds));
  }
  report(
      "extra_products_cost", four.plan.extra_flops / ceiling / plain_seconds,
      fmt::format("{:.2f} TFLOP of expert products they asked for", four.plan.extra_flops / 1e12));
  report("bytes_read_ratio",
         static_cast<double>(bench.checkpoint.bytes_read() - read_before) /
             static_cast<double>(bench.checkpoint.weight_bytes()),
         "weight bytes read / in the checkpoint, with all four");

  report_key_tap(figures, bench, 1);
  const double edge_seconds = edge_pass_seconds(bench.checkpoint, model, bench.windows, base);
  report("edge_vs_passes", edge_seconds / plain_seconds,
         fmt::format("both directions of an edge: two passes of {:.2f} s", edge_seconds));
  report("bootstrap_seconds", bootstrap_seconds(),
         "10,000 replicates over 200 windows and 64 layers, one thread");
  report_import(figures, folder, base.threads);
  report_keys(figures, base.threads);
  report_certificates(figures);
  const AuditRate audit = audit_rate(bench.checkpoint, model, bench.windows, base);
  report("audit_vs_passes", audit.seconds / audit.passes_seconds,
         fmt::format("an audit, forecasts included, {:.2f} s; {:.1f} % of decisions flip",
                     audit.seconds, 100 * audit.flip_rate));

  stream::Settings quarter = base;
  quarter.memory_bytes = bench.checkpoint.weight_bytes() / 4;
  const Bench::Timing tight = bench.plain(quarter);
  report("quarter_memory_speed", plain_seconds / tight.result.seconds,
         fmt::format("--memory {:.2f} GB, {:.2f} GB spilled, {:.2f} s; disk {:.2f} GB/s",
                     static_cast<double>(*quarter.memory_bytes) / 1e9,
                     static_cast<double>(tight.plan.spill_bytes) / 1e9, tight.result.seconds,
                     disk / 1e9));

  stream::Settings single = base;
  single.threads = 1;
  const Bench::Timing alone = bench.plain(single);
  report("thread_scaling", alone.result.seconds / plain_seconds,
         fmt::format("one thread {:.2f} s", alone.result.seconds));

  report("peak_vs_plan",
         plain_pass_alone(argv[0], folder.string(), windows, "auto", 0).peak_bytes /
             static_cast<double>(cold.plan.peak_bytes),
         fmt::format("planned {:.2f} GB", static_cast<double>(cold.plan.peak_bytes) / 1e9));
  report_peer(figures, argv[0], bench, folder);
  report_blocks(figures, base.compute, base.threads);
  report_decoding(figures);
  figures["disk_gb_per_s"] = disk / 1e9;
  std::filesystem::create_directories("build/bench");
  write_file_atomically("build/bench/performance.json", write_json(figures, JsonLayout::indented),
                        IfExists::replace);
  return 0;
}

}  // namespace
}  // namespace rg::bench

int main(int argc, char** argv) {
  try {
    return rg::bench::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}

// Studies of changed keys on a tiny checkpoint and made texts, with artifacts as a run writes them.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lab/key_change_study.h"
#include "support/kept_progress.h"
#include "tiny_subject.h"

namespace rg::lab {

inline constexpr size_t kTriedWindows = 20, kTriedTokens = 16;  // windows, tokens of each

class KeyChangeRun : public testing::Test {
 protected:
  KeyChangeRun() {
    for (const char* domain : {"t", "u"}) {
      for (int document = 0; document < 6; ++document) {
        std::string text;
        for (int i = 0; i < 80; ++i) {
          text += std::to_string(i * (document + 2)) + domain + " words follow words. ";
        }
        test::put_file(texts / domain / (std::to_string(document) + ".txt"), text);
      }
    }
  }

  TextSettings text_settings(const std::vector<std::string>& domains = {"t"}) const {
    TextSettings settings;
    for (const std::string& domain : domains) {
      settings.domains.push_back({.name = domain, .path = texts / domain});
    }
    settings.windows.windows = kTriedWindows;
    settings.windows.seq_len = kTriedTokens;
    return settings;
  }
  static PassSettings pass_settings() {
    PassSettings settings;
    settings.engine.compute = "f32";
    settings.engine.threads = 2;
    settings.engine.memory_bytes = uint64_t{1} << 30;
    settings.experiments.parameters["bootstrap"] = 200;
    return settings;
  }
  std::vector<Json> finish(Study& study, const PassSettings& settings) const {
    const test::TempFolder out;
    test::KeptProgress progress;
    study.read(settings.engine, out.path(), progress);
    study.programme().make_plans(out.path());
    study.programme().run(progress, [&](Pass& pass, const stream::PassResult& result) {
      study.take(pass, result, out.path(), progress);
    });
    std::vector<Json> artifacts;
    for (const record::ResultEntry& entry : study.write(out.path())) {
      artifacts.push_back(entry.artifact);
    }
    return artifacts;
  }
  // The artifacts, by change and in it by domain.
  std::vector<Json> run(const MakeKeyChanges& changes,
                        const std::vector<std::string>& domains = {"t"},
                        const PassSettings& settings = pass_settings()) const {
    KeyChangeStudy study(model, changes, Purpose::run, text_settings(domains), settings);
    return finish(study, settings);
  }
  // Of one or more changes.
  template <typename... Makers>
  static MakeKeyChanges made(const Makers&... make) {
    return [=](const model::Model&) {
      std::vector<KeyChangeTrial> trials;
      (trials.push_back(make()), ...);
      return trials;
    };
  }
  static uint64_t total(const Json& by_layer, const char* layer) {
    uint64_t sum = 0;
    for (const Json& count : by_layer.at(layer)) sum += count.get<uint64_t>();
    return sum;
  }

  const test::TempFolder texts, folder;
  test::TinyOlmoe tiny = [] {
    test::TinyOlmoe changed = tiny_model(1);
    changed.layers = 3;
    return changed;
  }();
  const std::string model = write_model(folder, tiny);
};

}  // namespace rg::lab

// Lets another program ask the C++ verifier: one artifact a line in, one verdict a line out.
//   judge_many --make TEST        writes a valid synthetic artifact
//   judge_many --make-small TEST  a small one, as the fuzzer's seeds are
//   judge_many --json             what verdicts.json would hold for the lines of stdin
//   judge_many                    "VERDICT check,check,..." for every line of stdin
#include <iostream>
#include <set>
#include <string>
#include <vector>

#include "verify/artifacts.h"

int main(int argc, char** argv) {
  using namespace rg::verify;
  if (argc == 3) {
    const testing::Shape small{.windows = 20, .seq_len = 12, .replicates = 20, .documents = 4};
    const bool is_small = std::string(argv[1]) == "--make-small";
    const testing::Shape shape = is_small ? small : testing::Shape{};
    std::cout << testing::text_of(testing::make(argv[2], shape)) << '\n';
    return 0;
  }
  std::ios::sync_with_stdio(false);
  std::string line;
  if (argc == 2 && std::string(argv[1]) == "--json") {
    std::vector<Judgement> judgements;
    while (std::getline(std::cin, line)) {
      judgements.push_back(judge_text(line, "artifact", testing::quick_options()));
    }
    std::cout << render_json(judgements, testing::quick_options());
    return 0;
  }
  while (std::getline(std::cin, line)) {
    const Judgement judgement = judge_text(line, "artifact", testing::quick_options());
    std::set<std::string> checks;
    for (const Reason& reason : judgement.reasons) {
      if (!reason.check.empty()) checks.insert(reason.check);
    }
    std::string answer = std::string(verdict_name(judgement.verdict)) + ' ';
    for (const std::string& check : checks) answer += check + ',';
    std::cout << answer << std::endl;
  }
  return 0;
}

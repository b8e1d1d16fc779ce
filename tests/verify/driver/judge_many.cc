// Lets another program ask the C++ verifier: one artifact a line in, one verdict a line out.
//   judge_many --make TEST   writes a valid synthetic artifact
//   judge_many               "VERDICT check,check,..." for every line of stdin
#include <algorithm>
#include <iostream>
#include <set>
#include <string>

#include "verify/artifacts.h"

int main(int argc, char** argv) {
  using namespace rg::verify;
  if (argc == 3 && std::string(argv[1]) == "--make") {
    std::cout << testing::text_of(testing::make(argv[2], {})) << '\n';
    return 0;
  }
  std::ios::sync_with_stdio(false);
  std::string line;
  while (std::getline(std::cin, line)) {
    std::string answer;
    try {
      const Judgement judgement = judge_text(line, "artifact", testing::quick_options());
      std::set<std::string> checks;
      for (const Reason& reason : judgement.reasons) {
        if (!reason.check.empty()) checks.insert(reason.check);
      }
      answer = std::string(verdict_name(judgement.verdict)) + ' ';
      for (const std::string& check : checks) answer += check + ',';
    } catch (const rg::Error& error) {
      answer = std::string(rg::error_name(error.id())) + ' ';
    }
    std::cout << answer << std::endl;
  }
  return 0;
}

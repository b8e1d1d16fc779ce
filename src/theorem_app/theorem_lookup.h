// From what a user typed to entries of the theorem catalogue.
#pragma once

#include <string>
#include <string_view>

#include "theorems/catalogue.h"

namespace rg::app {

// US001, naming `option` and the nearest ids, for an id that the catalogue lacks.
const theorems::Entry& find_entry(const theorems::Catalogue& catalogue, std::string_view id,
                                  const char* option);

// "3 proven, 1 deferred"; one alone, or several of one kind: "proven". With "(in part)" where the
// formal statements leave out something of the catalogue's, "(differs)" where they only differ.
std::string status_summary(const theorems::Catalogue& catalogue, const theorems::Entry& entry);

// How much of an entry's statement its formal statements are: "whole", "differs" (all of it, not
// quite as the catalogue has it), "part" or "none".
const char* formal_cover(const theorems::Entry& entry);

// The verdicts on an entry's claims, each once, in the order of the claims.
std::vector<std::string> verdict_words(const theorems::Entry& entry);

std::string join(const std::vector<std::string>& words, std::string_view between);

}  // namespace rg::app

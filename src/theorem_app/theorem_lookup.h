// Finds entries of the theorem catalogue by what a user typed.
#pragma once

#include <string>
#include <string_view>

#include "theorems/catalogue.h"

namespace rg::app {

// US001, naming `option` and the nearest ids, for an id that the catalogue lacks.
const theorems::Entry& find_entry(const theorems::Catalogue& catalogue, std::string_view id,
                                  const char* option);

// "3 proven, 1 deferred"; "proven" for one, or for several of one kind. With "(in part)" if the
// formal statements omit part of the catalogue's, "(differs)" if they only differ.
std::string status_summary(const theorems::Catalogue& catalogue, const theorems::Entry& entry);

// How much of an entry's statement is formal: "whole", "differs" (all of it, in a different form),
// "part" or "none".
const char* formal_cover(const theorems::Entry& entry);

// The verdicts on an entry's claims, each once, in the order of the claims.
std::vector<std::string> verdict_words(const theorems::Entry& entry);

std::string join(const std::vector<std::string>& words, std::string_view between);

}  // namespace rg::app

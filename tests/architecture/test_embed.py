"""cmake/embed.cmake: the bytes of files reach the program, and reach it again when they change, come or go."""

import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(embedded LANGUAGES CXX)
set(CMAKE_CXX_STANDARD 20)
include(cmake/embed.cmake)
add_executable(show main.cc)
target_include_directories(show PRIVATE src)
file(GLOB some CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/data/*.bin")
rg_embed(show some FILES ${some})
file(GLOB page CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/build/page.html")
rg_embed(show page FILES ${page})
"""
MAIN = """#include <cstdio>
#include "base/embedded.h"
namespace rg {
std::span<const EmbeddedFile> embedded_some();
std::span<const EmbeddedFile> embedded_page();
}
int main() {
  for (const auto list : {rg::embedded_some(), rg::embedded_page()}) {
    for (const auto& file : list) {
      std::printf("%.*s\\n", int(file.name.size()), file.name.data());
      for (const unsigned char c : file.bytes) std::printf("%02x", c);
      std::printf("\\n");
    }
  }
}
"""


class Embed(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="routegauge embed ")
        self.addCleanup(shutil.rmtree, self.folder)
        for name in ("cmake/embed.cmake", "cmake/embed_files.cmake", "src/base/embedded.h"):
            with open(os.path.join(ROOT, name), "rb") as source:
                self.write(name, source.read())
        self.write("CMakeLists.txt", PROJECT.encode())
        self.write("main.cc", MAIN.encode())

    def write(self, name, content):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)

    def embedded(self, compiler):
        build = os.path.join(self.folder, "out", compiler)
        if not os.path.exists(build):
            subprocess.run(["cmake", "-G", "Ninja", "-S", self.folder, "-B", build,
                            f"-DCMAKE_CXX_COMPILER={compiler}"], check=True, capture_output=True)
        subprocess.run(["cmake", "--build", build], check=True, capture_output=True)
        lines = subprocess.run([os.path.join(build, "show")], check=True, capture_output=True,
                               text=True).stdout.splitlines()
        return {name: bytes.fromhex(content) for name, content in zip(lines[::2], lines[1::2])}

    def test_bytes_arrive_and_changes_follow(self):
        for compiler in ("g++", "clang++-14"):
            with self.subTest(compiler=compiler):
                shutil.rmtree(os.path.join(self.folder, "data"), ignore_errors=True)
                shutil.rmtree(os.path.join(self.folder, "build"), ignore_errors=True)
                everything = bytes(range(256)) * 3 + b'")\\x;$;[]${a}'
                files = {"all.bin": everything, "empty.bin": b"", "line.bin": b"a" * 64}
                for name, content in files.items():
                    self.write(f"data/{name}", content)
                self.assertEqual(self.embedded(compiler), files)
                self.write("data/line.bin", b"changed; longer")
                self.write("data/new.bin", b"\n")
                os.remove(os.path.join(self.folder, "data/empty.bin"))
                self.write("build/page.html", b"<p>")  # a build product that was absent so far
                files = {"all.bin": everything, "line.bin": b"changed; longer", "new.bin": b"\n",
                         "page.html": b"<p>"}
                self.assertEqual(self.embedded(compiler), files)
                os.remove(os.path.join(self.folder, "build/page.html"))
                del files["page.html"]
                self.assertEqual(self.embedded(compiler), files)


if __name__ == "__main__":
    unittest.main()

"""Faults of disk, memory, signals and neighbours: the right code and words, and never a torn file."""

import errno
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import time
import unittest

from support import (CONFIG, PROGRAM, ProgramTest, artifacts_below, digests, fault_shim, files_below, load, make_model,
                     run, start, tensor_shapes)


def unfinished(folder):
    return [name for name in files_below(folder) if name.endswith((".tmp", ".partial")) or "/." in "/" + name]


class DiskFaults(ProgramTest):
    """Every write and fsync of a run fails once; earlier files in the folder stay complete."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shim = fault_shim(cls.folder)
        cls.other = make_model(os.path.join(cls.folder, "other"), seed=2)
        cls.old = os.path.join(cls.folder, "old")
        result = run(*cls.job(cls, cls.old))
        assert result.returncode == 0, result.stderr

    def job(self, out, *more):
        return ["run", "expert_load", "--model", self.model, "--domain", f"prose={self.prose}", "--out", out,
                "--seq-len", 32, "--windows", 12, "--threads", 2, *more]

    def faulty(self, out, fault, *more):
        return run(*self.job(out, *more), env={"LD_PRELOAD": self.shim, "RG_FAULT": fault})

    def check_whole(self, out, old):
        """Every artifact is the old one or complete, and nothing unfinished lies about."""
        self.assertEqual(unfinished(out), [])
        for path in artifacts_below(out):
            self.assertIn(run("verify", path).returncode, (0, 1))
        self.assertEqual(set(digests(out)), set(digests(old)))

    def sweep(self, kind, number):
        """Fails the first, second, ... call until the run gets through; returns how many failed."""
        for nth in range(1, 200):
            out = self.out("sweep")
            shutil.copytree(self.old, out)
            result = self.faulty(out, f"{kind}:{nth}:{number}", "--seed", 9, "--overwrite")
            self.check_whole(out, self.old)
            if result.returncode == 0:
                return nth - 1
            self.assertEqual(result.returncode, 4, result.stderr)
            self.assertIn("error[IO010]" if number == errno.ENOSPC else "error[IO0", result.stderr)
            shutil.rmtree(out)
        self.fail("the run never got through")

    def test_no_space_at_every_write(self):
        self.assertGreaterEqual(self.sweep("write", errno.ENOSPC), 6)

    def test_every_fsync_fails(self):
        self.assertGreaterEqual(self.sweep("fsync", errno.EIO), 6)

    def test_reading_weights_fails(self):
        """IO001"""
        out = self.out("read")
        result = self.faulty(out, f"pread:8:{errno.EIO}")
        self.assertExit(result, 4, "error[IO001]", "model.safetensors")
        self.assertEqual(artifacts_below(out), [])

    def disturbed(self, kind, nth):
        """(result, output folder, model folder) of a run with a model of its own, disturbed at its nth read."""
        model = os.path.join(self.out("models"), os.path.basename(self.model))
        shutil.copytree(self.model, model)
        shutil.copy(os.path.join(self.other, "model.safetensors"), os.path.join(model, "model.safetensors.new"))
        out = self.out("disturbed")
        job = self.job(out)
        job[job.index(self.model)] = model
        return run(*job, env={"LD_PRELOAD": self.shim, "RG_FAULT": f"{kind}:{nth}:0"}), out, model

    def moments(self):
        """Twenty reads of the checkpoint, from the header's to the last tensor's."""
        reads = len(tensor_shapes(CONFIG))  # two of the header; neither the final norm nor the head
        return [1 + moment * (reads - 1) // 19 for moment in range(20)]

    def test_weights_rewritten_at_many_moments(self):
        """IO020: found whenever it happens, and no artifact is left."""
        for nth in self.moments():
            result, out, _ = self.disturbed("rewrite", nth)
            self.assertExit(result, 4, "error[IO020]", "model.safetensors")
            self.assertEqual(artifacts_below(out), [], nth)
            self.assertEqual(unfinished(out), [], nth)

    def test_weights_replaced_while_running(self):
        """A file that another one replaces is still the one that was opened."""
        for nth in self.moments()[::4]:
            result, out, model = self.disturbed("replace", nth)
            self.assertExit(result, 0)
            self.assertFalse(os.path.exists(model + "/model.safetensors.new"), nth)
            self.assertEqual(digests(out), digests(self.old), nth)

    def test_short_reads_and_writes(self):
        """Short reads and writes change nothing."""
        for most in (997, 8):
            out = self.out("short")
            result = self.faulty(out, f"short:{most}:0")
            self.assertExit(result, 0)
            self.assertEqual(digests(out), digests(self.old))
            self.assertEqual(unfinished(out), [])

    def test_what_a_stopped_run_says_is_true(self):
        """Stopped at every fsync, it says which files of this run were written."""
        old, new = digests(self.old), self.out("new")
        self.assertExit(run(*self.job(new, "--seed", 9)), 0)
        said = set()
        for nth in range(1, 40):
            out = self.out("stopped")
            shutil.copytree(self.old, out)
            result = self.faulty(out, f"stop:{nth}:{int(signal.SIGINT)}", "--seed", 9, "--overwrite")
            self.check_whole(out, self.old)
            if result.returncode == 0:
                break
            self.assertEqual(result.returncode, 130, result.stderr)
            text = re.search(r"stopped: (no artifact|some artifacts|the artifacts)", result.stderr)[1]
            said.add(text)
            if text == "no artifact":
                self.assertEqual(digests(out), old)
            if text == "the artifacts":
                self.assertEqual(digests(out), digests(new))
        self.assertLess(nth, 39)
        self.assertEqual(said, {"some artifacts", "the artifacts"})

    def test_room_is_looked_at_before_the_first_weight(self):
        out = self.out("room")
        self.assertExit(self.faulty(out, "room:100000:0"), 4, "error[IO010]", "99.3 KB free")
        self.assertLessEqual(set(files_below(out)), {"run.lock"})

    def test_a_limit_on_file_size(self):
        for limit in (0, 200, 5_000, 20_000):
            out = self.out("limit")
            shutil.copytree(self.old, out)
            result = run(*self.job(out, "--seed", 9, "--overwrite"),
                         preexec_fn=lambda most=limit: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)))
            self.assertEqual(result.returncode, 4, result.stderr)
            self.check_whole(out, self.old)

    def test_a_trace_without_room(self):
        tokens = os.path.join(self.folder, "t.json")
        with open(tokens, "w", encoding="utf-8") as file:
            json.dump([[1, 2, 3, 4]], file)
        out = self.out("trace") + ".safetensors"
        result = run("trace", "--model", self.model, "--tokens", tokens, "--out", out,
                     preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)))
        self.assertExit(result, 4, "error[IO010]")
        self.assertFalse(os.path.exists(out))
        self.assertEqual([name for name in os.listdir(self.folder) if name.endswith(".tmp")], [])

    def test_an_output_folder_that_cannot_be(self):
        """IO003"""
        blocker = self.out("file")
        with open(blocker, "w", encoding="utf-8") as file:
            file.write("in the way")
        self.assertExit(run(*self.job(os.path.join(blocker, "below"))), 4, "error[IO003]")


class Streams(ProgramTest):
    """Stdout that is full, closed or no longer read. The artifacts are not affected."""

    def job(self, out):
        return [PROGRAM, *map(str, self.main_job(out, experiments="expert_load", windows=12))]

    def test_full_device(self):
        out = self.out("full")
        with open("/dev/full", "w", encoding="utf-8") as full:
            result = subprocess.run(self.job(out), stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(result.returncode, 4, result.stderr)
        self.assertIn("error[IO010]: standard output", result.stderr)
        self.assertEqual(len(artifacts_below(out)), 2)

    def test_closed_stdout(self):
        out = self.out("closed")
        result = subprocess.run(self.job(out), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                check=False, preexec_fn=lambda: os.close(1))
        self.assertEqual(result.returncode, 4, result.stderr)
        self.assertIn("error[IO004]: standard output", result.stderr)
        self.assertEqual(run("verify", out).returncode, 0)

    def test_reader_that_left(self):
        read_end, write_end = os.pipe()
        os.close(read_end)
        result = subprocess.run([PROGRAM, "inspect", self.model], stdout=write_end, stderr=subprocess.PIPE, text=True,
                                check=False)
        os.close(write_end)
        self.assertEqual((result.returncode, result.stderr), (141, ""))


class LongRun(ProgramTest):
    """Jobs that take long enough to be disturbed."""

    documents, words_each = 160, 400

    def long_job(self, out, windows="all"):
        return ["--progress", "json", *self.main_job(out, windows=windows, seq_len=64)]

    def wait_for_layer(self, process):
        for line in process.stderr:
            if json.loads(line)["event"] == "layer":
                return
        self.fail("no layer was reported")

    def wait_until_caught(self, process, number):
        """Before, the system ends a process that is just being loaded; a busy machine takes a while over that."""
        began = time.monotonic()
        while time.monotonic() - began < 5:
            with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
                caught = int(re.search(r"^SigCgt:\s*([0-9a-f]+)", status.read(), re.M)[1], 16)
            if caught >> (number - 1) & 1:
                return
            time.sleep(0.005)
        self.fail(f"signal {number} is not caught")

    def stop_after(self, seconds, numbers):
        """A run for each signal, side by side, which gets it so many seconds after it began to listen: (output
        folder, exit code, seconds until it had ended)."""
        runs = [(out, start(*self.long_job(out))) for out in (self.out("stopped") for _ in numbers)]
        for number, (_, process) in zip(numbers, runs):
            self.wait_until_caught(process, number)
        time.sleep(seconds)
        for number, (_, process) in zip(numbers, runs):
            process.send_signal(number)
        sent, ends = time.monotonic(), []
        for out, process in runs:
            process.communicate(timeout=60)
            ends.append((out, process.returncode, time.monotonic() - sent))
        return ends

    def test_interrupted_at_many_times(self):
        """Stopped by a signal at any time: exit code 130 or 143, within five seconds."""
        stopped = 0
        codes = {signal.SIGINT: 130, signal.SIGTERM: 143}
        for seconds in (0.1, 0.3, 0.6, 1.0, 1.5, 2.2):
            for (number, code), (out, ended, took) in zip(codes.items(), self.stop_after(seconds, codes)):
                with self.subTest(signal=number, seconds=seconds):
                    self.assertIn(ended, (code, 0))
                    self.assertLess(took, 5)
                    if ended == code:
                        stopped += 1
                        if os.path.exists(out):
                            self.assertEqual(unfinished(out), [])
        self.assertGreaterEqual(stopped, 6)

    def test_interrupted_in_the_layers(self):
        out = self.out("stopped")
        process = start(*self.long_job(out, windows=1000))
        self.wait_for_layer(process)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.assertIn("stopped: no artifact of this run was written", errors)
        self.assertEqual(artifacts_below(out), [])
        self.assertEqual(unfinished(out), [])

    def test_twenty_at_once(self):
        """IO011: one run measures, the others are told which."""
        out = self.out("shared")
        processes = [start(*self.long_job(out, windows=400)) for _ in range(20)]
        measured = refused = 0
        for process in processes:
            _, errors = process.communicate(timeout=240)
            if process.returncode == 0:
                measured += "done already" not in errors
            else:
                refused += 1
                self.assertEqual(process.returncode, 4, errors)
                self.assertIn("error[IO011]", errors)
                self.assertRegex(errors, r"in use by pid \d+ on \S+ since 20")
        self.assertEqual(measured, 1)
        self.assertGreater(refused, 0)
        self.assertEqual(len(artifacts_below(out)), 8)

    def test_file_system_without_locks(self):
        """Such a folder can be written to; it is not locked against a second run, and a note says so."""
        shim = fault_shim(self.folder)
        job = self.main_job(self.out("locked"), experiments="expert_load")
        self.assertExit(run(*job), 0)
        for number in (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL):
            with self.subTest(errno=errno.errorcode[number]):
                out = self.out("unlocked")
                job[job.index("--out") + 1] = out
                result = run(*job, env={"LD_PRELOAD": shim, "RG_FAULT": f"lock:1:{number}"})
                self.assertExit(result, 0, "note: ", "offers no locks", "not kept apart")
                for artifact in artifacts_below(out):
                    self.assertNotIn("lock", str(load(artifact)["notes"]))
                quiet = run(*job, "--quiet", env={"LD_PRELOAD": shim, "RG_FAULT": f"lock:1:{number}"})
                self.assertExit(quiet, 0)
                self.assertEqual(quiet.stderr, "")
        job[job.index("--out") + 1] = self.out("failing")
        result = run(*job, env={"LD_PRELOAD": shim, "RG_FAULT": f"lock:1:{errno.EIO}"})
        self.assertExit(result, 4, "error[IO003]", "expected a lock on it", "another file system")

    def test_reasons_against_an_output_folder(self):
        """IO003: what to do follows from the reason."""
        file = self.out("file")
        with open(file, "w", encoding="utf-8"):
            pass
        for out, words in [(file, "A file lies where a folder is needed"),
                           (os.path.join(file, "below"), "A file lies where a folder is needed"),
                           ("/proc/routegauge", "")]:
            self.assertExit(run(*self.main_job(out, experiments="expert_load")), 4, "error[IO003]", words)

    def changed_while_running(self, change):
        model = make_model(self.out("changing"))
        out = self.out("changed")
        job = self.long_job(out, windows=1000)
        job[job.index(self.model)] = model
        process = start(*job)
        self.wait_for_layer(process)
        process.send_signal(signal.SIGSTOP)
        change(os.path.join(model, "model.safetensors"))
        process.send_signal(signal.SIGCONT)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 4, errors)
        self.assertEqual(artifacts_below(out), [])
        return errors

    def test_weights_truncated_while_running(self):
        """IO002, IO020"""
        errors = self.changed_while_running(lambda path: os.truncate(path, 20_000))
        self.assertRegex(errors, r"error\[IO0(02|20)\]")


class Traces(ProgramTest):
    """What trace does when it is stopped."""

    def test_interrupted(self):
        """Exit code 130, no output file, no temporary file."""
        tokens = os.path.join(self.folder, "many.json")
        with open(tokens, "w", encoding="utf-8") as file:
            json.dump([[(7 * window + position) % 250 for position in range(200)] for window in range(1500)], file)
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            folder = self.out("traced")
            os.makedirs(folder)
            process = start("--progress", "json", "trace", "--model", self.model, "--tokens", tokens, "--threads", 1,
                            "--out", os.path.join(folder, "t.safetensors"))
            for line in process.stderr:
                if json.loads(line)["event"] == "layer":
                    break
            process.send_signal(number)
            _, errors = process.communicate(timeout=60)
            self.assertEqual(process.returncode, code, errors)
            self.assertIn("stopped: nothing was written", errors)
            self.assertEqual(os.listdir(folder), [])

    def test_interrupted_where_nobody_looks(self):
        """What doesn't stop by itself is ended after a few seconds, and its temporary file goes too."""
        library = os.path.join(self.folder, "slow.so")
        source = os.path.join(self.folder, "slow.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write("#include <unistd.h>\nint fsync(int d) { (void)d; while (sleep(60)) {} return 0; }\n")
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
        tokens = os.path.join(self.folder, "few.json")
        with open(tokens, "w", encoding="utf-8") as file:
            json.dump([[1, 2, 3, 4]], file)
        folder = self.out("traced")
        os.makedirs(folder)
        process = start("trace", "--model", self.model, "--tokens", tokens, "--out",
                        os.path.join(folder, "t.safetensors"), env={"LD_PRELOAD": library})
        time.sleep(1.5)
        self.assertEqual(len(os.listdir(folder)), 1)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130, errors)
        self.assertIn("stopped: the trace may be written", errors)
        self.assertEqual(os.listdir(folder), [])


class Numbers(ProgramTest):
    def test_a_library_that_flushes_denormals(self):
        """N2 RT070: FTZ and DAZ, as libraries built with -ffast-math set them, stop the program at its start."""
        source = os.path.join(self.folder, "empty.c")
        library = os.path.join(self.folder, "fast.so")
        with open(source, "w", encoding="utf-8") as file:
            file.write("#include <xmmintrin.h>\n__attribute__((constructor)) static void fast(void) "
                       "{ _mm_setcsr(_mm_getcsr() | 0x8040); }\n")
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
        result = run("doctor", env={"LD_PRELOAD": library})
        self.assertExit(result, 70, "error[RT070]", "denormals")


class Budgets(ProgramTest):
    def test_plan_beyond_the_memory(self):
        """RT004"""
        result = run(*self.main_job(self.out("x"), "--memory", "100KB"))
        self.assertExit(result, 5, "error[RT004]", "--memory")

    def test_a_limit_that_no_option_set_is_named(self):
        """RT004 without --memory: what set the budget, and no option that wasn't given."""
        refused = 0
        for megabytes in range(60, 200, 10):
            limit = megabytes * 1_000_000
            result = run(*self.main_job(self.out("as"), "--threads", 1, experiments="expert_load"),
                         preexec_fn=lambda most=limit: resource.setrlimit(resource.RLIMIT_AS, (most, most)))
            if "error[RT004]" in result.stderr:
                refused += 1
                self.assertIn("RLIMIT_AS (ulimit -v)", result.stderr)
                self.assertNotIn("--memory", result.stderr)
        self.assertGreater(refused, 0)

    def test_allocation_fails(self):
        """RT005: for any limit, success or code 5, and no torn file. The budget is stated, or the plan would
        keep to the limit."""
        for threads in (1, 2):
            codes = set()
            for megabytes in (40, 80, 100, 120, 150, 200, 300, 4000):
                out = self.out("as")
                limit = megabytes * 1_000_000
                result = run(*self.main_job(out, "--threads", threads, "--memory", "8G", experiments="expert_load"),
                             preexec_fn=lambda most=limit: resource.setrlimit(resource.RLIMIT_AS, (most, most)))
                if "error while loading shared libraries" in result.stderr:
                    continue
                self.assertIn(result.returncode, (0, 5), f"{threads} threads, {megabytes} MB: {result.stderr}")
                if result.returncode == 5:
                    self.assertIn("error[RT005]", result.stderr)
                codes.add(result.returncode)
                if os.path.exists(out):
                    self.assertEqual(unfinished(out), [])
            self.assertEqual(codes, {0, 5})

    def test_threads_that_cannot_start(self):
        """RT005: with room for n more threads the run works or says so; libgomp alone would end
        it with code 1, that of a failed claim."""
        shim = fault_shim(self.folder)
        codes = []
        for most in range(6):
            out = self.out("threads")
            result = run(*self.main_job(out, "--threads", 3, experiments="expert_load"),
                         env={"LD_PRELOAD": shim, "RG_FAULT": f"threads:{most}:{errno.EAGAIN}"})
            self.assertIn(result.returncode, (0, 5), f"{most} threads: {result.stderr}")
            if result.returncode == 5:
                self.assertIn("error[RT005]: threads:", result.stderr)
                self.assertEqual(artifacts_below(out) if os.path.exists(out) else [], [])
            codes.append(result.returncode)
        self.assertEqual(codes, sorted(codes, reverse=True))
        self.assertEqual(set(codes), {0, 5})

    def test_compute_type_that_the_cpu_lacks(self):
        """RT003"""
        result = run(*self.main_job(self.out("x"), "--compute", "bf16"), env={"RG_MAX_ISA": "avx2"})
        self.assertExit(result, 4, "error[RT003]")


class Weights(ProgramTest):
    """S12: NaN in a weight."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        name = "model.layers.1.mlp.experts.3.up_proj.weight"

        def poison(values):
            values[name][37] = float("nan")
            values[name][40] = float("inf")
        cls.name = name
        cls.poisoned = make_model(os.path.join(cls.folder, "poisoned"), edit=poison)

    def job(self, out, *more):
        job = self.main_job(out, *more, experiments="expert_load")
        job[job.index(self.model)] = self.poisoned
        return job

    def test_default_stops(self):
        out = self.out("nan")
        self.assertExit(run(*self.job(out)), 3, "error[ST030]", self.name, "37", "2")
        self.assertEqual(artifacts_below(out), [])

    def test_recorded_on_request(self):
        out = self.out("nan")
        self.assertExit(run(*self.job(out, "--nonfinite", "record")), 0)
        for path in artifacts_below(out):
            artifact = load(path)
            self.assertEqual(artifact["settings"]["nonfinite"], "record")
            self.assertTrue(any(self.name in note for note in artifact["notes"]), artifact["notes"])
            self.assertEqual(artifact["nonfinite"], {
                "from_layer": 1,
                "tensors": [{"name": self.name, "first": 37, "count": 2, "layer": 1}]})


class Locale(ProgramTest):
    """Commas for points and dotless i change nothing."""

    def test_locale_sweep(self):
        locales = os.path.join(self.folder, "locales")
        os.makedirs(locales)
        for name in ("de_DE", "tr_TR"):
            subprocess.run(["localedef", "-i", name, "-f", "UTF-8", os.path.join(locales, name + ".UTF-8")],
                           check=True, capture_output=True)
        found = set()
        for locale in ("C", "de_DE.UTF-8", "tr_TR.UTF-8"):
            out = self.out("locale")
            env = {"LC_ALL": locale, "LOCPATH": locales, "LANG": locale}
            self.assertExit(run(*self.main_job(out), env=env), 0)
            found.add(json.dumps(digests(out), sort_keys=True))
        self.assertEqual(len(found), 1)


if __name__ == "__main__":
    unittest.main()

// The worker as the server uses it: the program itself, in its sandbox.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <thread>

#include "base/check.h"
#include "ingest/extract/file_reader.h"
#include "services/extractor/extract_workers.h"
#include "tests/ingest/extract/made_files.h"

namespace jangbu::services {
namespace {

using ingest::testing::MakeDocx;
using ingest::testing::MakeZip;
using Lines = std::vector<std::string>;

ExtractOptions Options() {
  ExtractOptions options;
  options.program = std::string(JANGBU_BINARY_DIR) + "/bin/jangbu-extract";
  return options;
}

Lines ReadBy(ExtractWorkers& workers, std::string_view bytes, std::string_view name) {
  ingest::MemorySource source(bytes);
  auto reader = ingest::FileReader::Open(source, name, {}, &workers);
  JANGBU_CHECK(reader.ok());
  Lines lines;
  while (true) {
    auto raw = (*reader)->Next();
    JANGBU_CHECK(raw.ok());
    if (!*raw) return lines;
    const ingest::ParsedRecord p = ParseRecord((*reader)->facts(), *std::move(*raw));
    lines.push_back(
        std::to_string(p.record) + " " + (p.place.empty() ? "" : "@" + p.place + " ") +
        (p.ok() ? p.document().text
                : "!" + std::string(CodeOf(p.rejection().reason)) + " " + p.rejection().detail));
  }
}

std::string Docx(std::string_view text) {
  return MakeDocx("<w:p><w:r><w:t>" + std::string(text) + "</w:t></w:r></w:p>");
}

TEST(ExtractWorkers, ReadsWhatTheReadersRead) {
  ExtractWorkers workers(Options());
  const std::string zip =
      MakeZip({{"가.docx", Docx("안쪽 글")}, {"b.txt", "일반 글"}, {"c.doc", "?"}, {"d", ""}});
  EXPECT_EQ(ReadBy(workers, zip, "a.zip"),
            (Lines{"1 @가.docx 안쪽 글\n", "2 @b.txt 일반 글",
                   "3 @c.doc !unsupported_format damaged or mislabelled",
                   "4 @d !no_text the file is empty"}));
}

// A page of text, a script that runs when it is opened, a link out and a form.
std::string Pdf(std::string_view content, std::string_view more = "",
                std::string_view font = "/Subtype/Type1/BaseFont/Helvetica") {
  std::string out = "%PDF-1.4\n";
  std::vector<size_t> at;
  const auto object = [&](const std::string& body) {
    at.push_back(out.size());
    out += std::to_string(at.size()) + " 0 obj\n" + body + "\nendobj\n";
  };
  object("<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert(1);)>>" +
         std::string(more) + ">>");
  object("<</Type/Pages/Kids[3 0 R]/Count 1>>");
  object(
      "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 "
      "R>>>>/Annots[<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A<</S/Launch/F(x.exe)>>>>]>>");
  object("<</Length " + std::to_string(content.size()) + ">>stream\n" + std::string(content) +
         "\nendstream");
  object("<</Type/Font" + std::string(font) + ">>");
  const size_t xref = out.size();
  out += "xref\n0 " + std::to_string(at.size() + 1) + "\n0000000000 65535 f \n";
  for (const size_t a : at) {
    std::string offset = std::to_string(a);
    out += std::string(10 - offset.size(), '0') + offset + " 00000 n \n";
  }
  return out + "trailer<</Size " + std::to_string(at.size() + 1) + "/Root 1 0 R>>\nstartxref\n" +
         std::to_string(xref) + "\n%%EOF\n";
}

// Processes of this one whose command line says so.
std::vector<pid_t> Nurseries() {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream command(entry.path() / "cmdline", std::ios::binary);
    const std::string words{std::istreambuf_iterator<char>(command), {}};
    std::ifstream stat(entry.path() / "stat");
    std::string line;
    std::getline(stat, line);
    const size_t after = line.rfind(") ");
    if (!words.ends_with(std::string("nursery") + '\0') || after == std::string::npos) continue;
    if (std::stol(line.substr(after + 4)) == getpid()) found.push_back(std::stoi(name));
  }
  return found;
}

TEST(ExtractWorkers, ANurseryIsRenewedAndGoesWithItsOwner) {
  const std::string docx = Docx("글");
  const Lines expected = {"1 글\n"};
  {
    ExtractOptions options = Options();
    options.renew_after = 2;
    ExtractWorkers workers(options);
    std::set<pid_t> seen;
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(ReadBy(workers, docx, "a.docx"), expected);
      const std::vector<pid_t> now = Nurseries();
      ASSERT_EQ(now.size(), 1U);
      seen.insert(now[0]);
    }
    EXPECT_EQ(seen.size(), 3U);
    // One that was killed costs nobody anything.
    kill(Nurseries()[0], SIGKILL);
    EXPECT_EQ(ReadBy(workers, docx, "a.docx"), expected);
    EXPECT_EQ(ReadBy(workers, docx, "a.docx"), expected);
    EXPECT_EQ(Nurseries().size(), 1U);
  }
  EXPECT_TRUE(Nurseries().empty());
  ExtractOptions options = Options();
  options.renew_after = 0;
  ExtractWorkers workers(options);
  EXPECT_EQ(ReadBy(workers, docx, "a.docx"), expected);
  EXPECT_TRUE(Nurseries().empty());
}

TEST(ExtractWorkers, ANurseryThatIsSilentIsGivenUp) {
  ExtractOptions options = Options();
  options.nursery_seconds_max = 1;
  ExtractWorkers workers(options);
  const std::string docx = Docx("글");
  EXPECT_EQ(ReadBy(workers, docx, "a.docx"), (Lines{"1 글\n"}));
  ASSERT_EQ(Nurseries().size(), 1U);
  const pid_t silent = Nurseries()[0];
  kill(silent, SIGSTOP);
  EXPECT_EQ(ReadBy(workers, docx, "a.docx"), (Lines{"1 글\n"})) << "by the program itself";
  EXPECT_EQ(ReadBy(workers, docx, "a.docx"), (Lines{"1 글\n"})) << "by a new nursery";
  ASSERT_EQ(Nurseries().size(), 1U);
  EXPECT_NE(Nurseries()[0], silent);
}

// A worker that a nursery began dies with the server, as one that the server started itself.
TEST(ExtractWorkers, WorkersDieWithTheServer) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t server = fork();
  if (server == 0) {
    ExtractWorkers workers(Options());
    class Endless final : public ingest::ByteSource {
     public:
      explicit Endless(int said) : said_(said) {}
      StatusOr<size_t> Read(char* out, size_t n) override {
        std::fill(out, out + n, ' ');
        if (++times_ == 4) {
          std::vector<pid_t> children;
          for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
            const std::string name = entry.path().filename();
            if (name.find_first_not_of("0123456789") != std::string::npos) continue;
            std::ifstream stat(entry.path() / "stat");
            std::string line;
            std::getline(stat, line);
            const size_t after = line.rfind(") ");
            if (after != std::string::npos && std::stol(line.substr(after + 4)) == getpid()) {
              const auto pid = static_cast<int32_t>(std::stoi(name));
              if (write(said_, &pid, sizeof(pid)) != sizeof(pid)) _exit(3);
            }
          }
          close(said_);
          kill(getpid(), SIGKILL);
        }
        return n;
      }

     private:
      const int said_;
      int times_ = 0;
    };
    Endless endless(ends[1]);
    const auto stream = workers.Read(endless, ingest::Format::kHtml, "a.html", {});
    _exit(4);
  }
  close(ends[1]);
  std::vector<int32_t> children;
  for (int32_t pid = 0; read(ends[0], &pid, sizeof(pid)) == sizeof(pid);) children.push_back(pid);
  close(ends[0]);
  int status = 0;
  ASSERT_EQ(waitpid(server, &status, 0), server);
  EXPECT_TRUE(WIFSIGNALED(status)) << status;
  EXPECT_EQ(children.size(), 2U) << "the nursery and its worker";
  for (const int32_t pid : children) {
    for (int i = 0; i < 500 && kill(pid, 0) == 0; ++i) {
      // Reaped by whoever inherits it; a zombie is dead too.
      std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
      std::string line;
      std::getline(stat, line);
      const size_t after = line.rfind(") ");
      if (after == std::string::npos || line[after + 2] == 'Z') break;
      ASSERT_LT(i, 499) << pid << " lives on: " << line;
      usleep(10'000);
    }
  }
}

TEST(ExtractWorkers, PdfTextAndNothingElse) {
  ExtractWorkers workers(Options());
  EXPECT_EQ(ReadBy(workers, Pdf("BT /F1 12 Tf 70 700 Td (Hello world) Tj ET"), "a.pdf"),
            Lines{"1 Hello world\n"});
  EXPECT_EQ(ReadBy(workers, Pdf("0 0 m 100 100 l S"), "a.pdf"),
            Lines{"0 !no_text_layer 1 pages without a letter"});
  EXPECT_EQ(ReadBy(workers, "%PDF-1.7\nnothing", "a.pdf"),
            Lines{"0 !damaged_document the PDF can not be opened"});
}

// As Korean PDFs were written for twenty years: the font is not in the file, nor what its codes
// mean.
TEST(ExtractWorkers, PdfWhoseCharacterMapIsOnlyNamed) {
  const struct {
    const char* map;
    const char* ordering;  // of the font's character collection
    const char* codes;
    const char* text;
  } kRows[] = {
      {"KSCms-UHC-H", "Korea1", "B0A1B3AAB4D98C63", "가나다똠"},  // KS X 1001 has no 똠
      {"KSC-EUC-H", "Korea1", "B0A1B3AAB4D9", "가나다"},
      {"UniKS-UCS2-H", "Korea1", "AC00B098B2E4", "가나다"},
      {"UniKS-UTF16-H", "Korea1", "AC00B098B2E4", "가나다"},
      {"UniJIS-UCS2-H", "Japan1", "65E5672C8A9E", "日本語"},
  };
  ExtractWorkers workers(Options());
  for (const auto& row : kRows) {
    const std::string font = "/Subtype/Type0/BaseFont/X/Encoding/" + std::string(row.map) +
                             "/DescendantFonts[<</Type/Font/Subtype/CIDFontType2/BaseFont/X"
                             "/CIDSystemInfo<</Registry(Adobe)/Ordering(" +
                             row.ordering + ")/Supplement 1>>>>]";
    const std::string content = "BT /F1 12 Tf 70 700 Td <" + std::string(row.codes) + "> Tj ET";
    EXPECT_EQ(ReadBy(workers, Pdf(content, "", font), "a.pdf"),
              Lines{"1 " + std::string(row.text) + "\n"})
        << row.map;
  }
}

TEST(ExtractWorkers, AMissingProgramIsTheInstallationsFault) {
  ExtractOptions options = Options();
  options.program = "/nowhere/jangbu-extract";
  ExtractWorkers workers(options);
  ingest::MemorySource source("<html>x");
  const auto reader = ingest::FileReader::Open(source, "a.html", {}, &workers);
  EXPECT_EQ(ReasonOf(reader.status()), "worker_missing");
}

#ifndef JANGBU_SANITIZED
TEST(ExtractWorkers, MemoryIsBounded) {
  ExtractOptions options = Options();
  options.sandbox.memory_bytes = uint64_t{192} << 20;
  ExtractWorkers workers(options);
  std::string html = "<html><p>" + std::string(80 << 20, 'x');
  EXPECT_EQ(ReadBy(workers, html, "a.html"), Lines{"0 !extraction_limit memory of 192 MiB"});
  EXPECT_EQ(ReadBy(workers, Docx("다음"), "b.docx"), Lines{"1 다음\n"});
}
#endif

TEST(ExtractWorkers, CpuTimeIsBounded) {
  ExtractOptions options = Options();
  options.sandbox.cpu_seconds = 1;
  ExtractWorkers workers(options);
  // Each end tag looks for its start through all that is open.
  std::string html = "<html>";
  for (int i = 0; i < 8000; ++i) html += "<i>";
  for (int i = 0; i < 1'000'000; ++i) html += "</u>";
  EXPECT_EQ(ReadBy(workers, html, "a.html"), Lines{"0 !extraction_limit 1 s of CPU time"});
}

TEST(ExtractWorkers, AWorkerThatDiesCostsItsFile) {
  ExtractOptions options = Options();
  options.program = "/bin/false";
  ExtractWorkers broken(options);
  EXPECT_EQ(ReadBy(broken, Docx("글"), "a.docx"),
            Lines{"0 !extraction_failed the worker ended with 1"});
  options.program = "/bin/cat";  // answers with the question
  ExtractWorkers echo(options);
  const Lines lines = ReadBy(echo, Docx("글"), "a.docx");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_TRUE(lines[0].starts_with("0 !extraction_failed")) << lines[0];
}

TEST(ExtractWorkers, ManyAtOnce) {
  ExtractWorkers workers(Options());
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) {
        const std::string text = "글 " + std::to_string(i);
        good += ReadBy(workers, Docx(text), "a.docx") == Lines{"1 " + text + "\n"};
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 20);
}

// What `act` does in a process that has shut itself in: its exit code, or the signal that ended it.
int InSandbox(const std::function<int()>& act) {
  const pid_t pid = fork();
  if (pid == 0) {
    if (!EnterSandbox({}).ok()) _exit(99);
    _exit(act());
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(Sandbox, TakesTheWorldAway) {
  EXPECT_EQ(InSandbox([] { return 7; }), 7);
  EXPECT_EQ(InSandbox([] { return open("/etc/passwd", O_RDONLY) < 0 ? errno : 0; }), EACCES);
  EXPECT_EQ(InSandbox([] { return socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0; }), EACCES);
  EXPECT_EQ(InSandbox([] { return static_cast<int>(fork()); }), -SIGSYS);
  EXPECT_EQ(InSandbox([] { return execl("/bin/true", "true", nullptr); }), -SIGSYS);
  EXPECT_EQ(InSandbox([] { return kill(getppid(), 0); }), -SIGSYS);
  EXPECT_EQ(InSandbox([] { return unlink("/tmp/nothing"); }), -SIGSYS);
}

}  // namespace
}  // namespace jangbu::services

// What srpo_run decides and what it leaves behind; mpirun itself is a stand-in here.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "comm/launch_arguments.h"
#include "comm/launch_report.h"
#include "comm/recovery.h"
#include "comm/stale_files.h"
#include "core/error.h"

namespace srpo::comm {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kVersion4 =
    "mpirun (Open MPI) 4.1.4\n\nReport bugs to http://www.open-mpi.org/\n";
constexpr const char* kVersion5 = "mpirun (Open MPI) 5.0.11\n\nReport bugs\n";

LaunchRequest request(int ranks, int cores) {
  LaunchRequest request;
  request.ranks = ranks;
  request.cores = cores;
  request.program = {"prog", "a job.yaml"};
  return request;
}

TEST(MpiFlavor, IsReadFromWhatMpirunSays) {
  const auto four = parse_mpi_flavor(kVersion4, "options:ft_support:\"no\"\n");
  EXPECT_EQ(four.family, MpiFamily::kOpenMpi4);
  EXPECT_EQ(four.name, "Open MPI 4.1.4");
  EXPECT_FALSE(four.has_ulfm);
  const auto five = parse_mpi_flavor(kVersion5, "options:ft_mpi_support:yes\n");
  EXPECT_EQ(five.family, MpiFamily::kOpenMpi5);
  EXPECT_TRUE(five.has_ulfm);
  const auto other = parse_mpi_flavor("HYDRA build details:\n Version: 4.0.2\n", "");
  EXPECT_EQ(other.family, MpiFamily::kOther);
  EXPECT_EQ(parse_mpi_flavor("", "").name, "an unknown MPI");
}

TEST(LaunchPlan, AsksOpenMpi4ForRecoveryAndSharesCores) {
  const auto plan = plan_launch(parse_mpi_flavor(kVersion4, ""), request(8, 2));
  const std::string shell = to_shell(plan);
  EXPECT_EQ(shell,
            "OMPI_MCA_mpi_yield_when_idle=1 mpirun -np 8 --oversubscribe --bind-to none "
            "--enable-recovery --mca btl_vader_eager_limit 8192 prog 'a job.yaml'");
  EXPECT_EQ(plan.missing, "");
}

TEST(LaunchPlan, AsksOpenMpi5ForFaultTolerance) {
  auto wanted = request(2, 4);
  wanted.is_root = true;
  const auto plan =
      plan_launch(parse_mpi_flavor(kVersion5, "options:ft_mpi_support:yes"), wanted);
  const std::string shell = to_shell(plan);
  EXPECT_THAT(shell, HasSubstr("--with-ft ulfm --mca pml ob1"));
  EXPECT_THAT(shell, HasSubstr("OMPI_ALLOW_RUN_AS_ROOT=1"));
  EXPECT_THAT(shell, Not(HasSubstr("--oversubscribe")));
  EXPECT_THAT(shell, Not(HasSubstr("--enable-recovery")));
}

TEST(LaunchPlan, SaysWhatAnMpiCannotDo) {
  EXPECT_THAT(plan_launch(parse_mpi_flavor(kVersion5, ""), request(2, 4)).missing,
              HasSubstr("Open MPI 5.0.11 was built without fault tolerance"));
  const auto other = plan_launch(parse_mpi_flavor("HYDRA\n", ""), request(2, 1));
  EXPECT_THAT(other.missing, HasSubstr("HYDRA"));
  EXPECT_EQ(to_shell(other), "mpirun -np 2 prog 'a job.yaml'");
  auto without = request(2, 4);
  without.recovery = false;
  const auto plan = plan_launch(parse_mpi_flavor(kVersion4, ""), without);
  EXPECT_THAT(plan.missing, HasSubstr("switched off"));
  EXPECT_THAT(to_shell(plan), Not(HasSubstr("recovery")));
}

TEST(LaunchPlan, LeavesTheRanksOfAnAllocationToMpirun) {
  auto wanted = request(500, 2);
  wanted.is_allocation = true;
  wanted.mpi_arguments = {"--map-by", "node"};
  const std::string shell =
      to_shell(plan_launch(parse_mpi_flavor(kVersion4, ""), wanted));
  EXPECT_THAT(shell, Not(HasSubstr("--oversubscribe")));
  EXPECT_THAT(shell, HasSubstr("8192 --map-by node prog"));
  wanted.ranks.reset();
  EXPECT_THAT(to_shell(plan_launch(parse_mpi_flavor(kVersion4, ""), wanted)),
              Not(HasSubstr("-np")));
}

TEST(JobExitCode, IsWhatTheJobSaysAndNotWhatMpirunSays) {
  const auto code = [](int mpirun, bool begun, std::optional<int> reported,
                       std::optional<std::string> state) {
    return job_exit_code({mpirun, begun, reported, state});
  };
  EXPECT_EQ(code(0, true, 75, std::nullopt), 75);  // Open MPI 4 returns 0
  EXPECT_EQ(code(137, true, 0, "complete"), 0);
  EXPECT_EQ(code(137, true, std::nullopt, "complete"), 0);
  EXPECT_EQ(code(0, true, std::nullopt, "stopped"), 75);
  EXPECT_EQ(code(0, false, std::nullopt, "running"), 75);  // rank 0 was killed
  EXPECT_EQ(code(70, true, std::nullopt, "failed"), 70);
  EXPECT_EQ(code(0, true, std::nullopt, "failed"), 70);
  EXPECT_EQ(code(64, false, std::nullopt, "failed"), 64);
  EXPECT_EQ(code(64, false, std::nullopt, std::nullopt), 64);
  EXPECT_EQ(code(0, true, std::nullopt, std::nullopt), 75);  // begun, never ended
  EXPECT_EQ(code(137, false, std::nullopt, std::nullopt), 70);
  EXPECT_EQ(code(0, false, std::nullopt, std::nullopt),
            0);  // a program of the user's own
  EXPECT_EQ(code(3, false, std::nullopt, std::nullopt), 3);
}

TEST(LaunchArguments, AreTakenUpToTheProgram) {
  const auto arguments = parse_launch_arguments(
      {"-np", "8", "--restarts", "3", "--status", "r/status.json", "prog", "-np", "2"});
  EXPECT_EQ(arguments.request.ranks, 8);
  EXPECT_EQ(arguments.options.restarts, 3);
  EXPECT_EQ(arguments.options.status_file, "r/status.json");
  EXPECT_THAT(arguments.request.program, testing::ElementsAre("prog", "-np", "2"));
  const auto ask = parse_launch_arguments({"--ask", "control.json", "3"});
  EXPECT_EQ(ask.ask_rank, 3);
  EXPECT_EQ(parse_launch_arguments({"--ask", "f"}).ask_rank, -1);
  EXPECT_THAT(parse_launch_arguments({"--mpi", "-x", "--", "-p"}).request.program,
              testing::ElementsAre("-p"));
}

TEST(LaunchArguments, AreRefusedWithASentence) {
  const std::vector<std::vector<std::string>> bad = {{},
                                                     {"-np", "4"},
                                                     {"-np"},
                                                     {"-np", "x", "p"},
                                                     {"-np", "0", "p"},
                                                     {"--what"},
                                                     {"--ask", "f", "1", "2"},
                                                     {"--ask"},
                                                     {"--restarts", "-1", "p"}};
  for (const auto& arguments : bad)
    EXPECT_THROW(parse_launch_arguments(arguments), core::Error);
}

class LaunchFolder : public testing::Test {
 protected:
  LaunchFolder() : folder_(testing::TempDir() + "/launch." + std::to_string(::getpid())) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~LaunchFolder() override {
    ::unsetenv(kLaunchReportVariable);
    fs::remove_all(folder_);
  }
  static void write(const fs::path& path, const std::string& text = "") {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  fs::path script(const std::string& name, const std::string& body) {
    write(folder_ / name, "#!/bin/sh\n" + body + "\n");
    ::chmod((folder_ / name).c_str(), 0755);
    return folder_ / name;
  }
  int run(const std::string& body, LaunchOptions options = {}) {
    LaunchPlan plan;
    plan.program = script("mpirun", body).string();
    plan.command = {plan.program};
    options.leave_within = std::chrono::seconds(1);
    return launch(plan, options);
  }
  fs::path folder_;
};

TEST_F(LaunchFolder, HandsTheReportOfRankZeroOn) {
  const auto file = folder_ / "report";
  ::setenv(kLaunchReportVariable, file.c_str(), 1);
  EXPECT_FALSE(read_launch_report(file).has_begun);
  report_begin();
  report_status_file("/run/status.json");
  report_exit_code(64);
  report_exit_code(75);
  const auto report = read_launch_report(file);
  EXPECT_TRUE(report.has_begun);
  EXPECT_EQ(report.exit_code, 75);
  EXPECT_EQ(report.status_file, "/run/status.json");
}

TEST_F(LaunchFolder, FindsStaleSegmentsAndSessionsOfDeadProcessesOnly) {
  const std::string uid = std::to_string(::geteuid());
  const fs::path shm = folder_ / "shm";
  const fs::path tmp = folder_ / "tmp";
  const fs::path proc = folder_ / "proc";
  write(shm / "vader_segment.node7.0.aa.0");
  write(shm / "vader_segment.node7.0.bb.0");
  write(shm / "sm_segment.node7.0.cc.1");
  write(shm / "vader_segment.other.0.aa.0");
  write(shm / "something");
  write(proc / "77" / "maps",
        "7f00-7f01 rw-s 00000000 00:19 5   /dev/shm/vader_segment.node7.0.bb.0\n");
  write(tmp / ("ompi.node7." + uid) / "pid.77" / "contact.txt");
  write(tmp / ("ompi.node7." + uid) / "pid.78" / "contact.txt");
  write(tmp / "ompi.79" / "x");
  write(tmp / "ompi.77" / "x");
  write(tmp / "ompi.note");
  StaleSearch search{shm, tmp, proc, "node7", std::chrono::seconds(0)};
  const std::vector<fs::path> expected = {
      shm / "vader_segment.node7.0.aa.0", shm / "sm_segment.node7.0.cc.1",
      tmp / ("ompi.node7." + uid) / "pid.78", tmp / "ompi.79"};
  EXPECT_THAT(find_stale_files(search), testing::UnorderedElementsAreArray(expected));
  search.youngest = std::chrono::seconds(60);
  EXPECT_TRUE(find_stale_files(search).empty());
  search.youngest = std::chrono::seconds(0);
  EXPECT_EQ(remove_stale_files(search), 4u);
  EXPECT_TRUE(find_stale_files(search).empty());
  EXPECT_TRUE(fs::exists(shm / "vader_segment.node7.0.bb.0"));
}

TEST_F(LaunchFolder, ReturnsTheJobsCodeAndNotMpiruns) {
  EXPECT_EQ(run("exit 3"), 3);
  EXPECT_EQ(run("echo exit 75 >> $SRPO_LAUNCH_REPORT; exit 0"), 75);
  EXPECT_EQ(run("echo begin >> $SRPO_LAUNCH_REPORT; kill -9 $$"), 75);
  EXPECT_EQ(run("kill -9 $$"), 70);
  LaunchOptions options;
  options.status_file = folder_ / "status.json";
  const std::string status = options.status_file.string();
  EXPECT_EQ(run("echo '{\"state\": \"stopped\"}' > " + status, options), 75);
  EXPECT_EQ(run("exit 64", options), 64);  // it has not touched the file
  EXPECT_EQ(run("echo '{\"state\": \"complete\"}' > " + status + "; exit 1", options), 0);
}

TEST_F(LaunchFolder, RefusesAProgramThatIsNotThere) {
  LaunchPlan plan;
  plan.command = {"mpirun"};
  for (const char* program : {"/nowhere/program", "no_such_program", "/tmp"}) {
    plan.program = program;
    EXPECT_THROW(launch(plan, {}), core::Error) << program;
  }
}

TEST_F(LaunchFolder, StartsAgainWhatStoppedEarly) {
  LaunchOptions options;
  options.restarts = 5;
  const std::string count = (folder_ / "count").string();
  EXPECT_EQ(run("echo x >> " + count + "; [ $(wc -l < " + count +
                    ") -ge 3 ] && exit 0; "
                    "exit 75",
                options),
            0);
  EXPECT_EQ(fs::file_size(count), 6u);
  options.restarts = 1;
  fs::remove(count);
  EXPECT_EQ(run("echo x >> " + count + "; exit 75", options), 75);
  EXPECT_EQ(fs::file_size(count), 4u);
}

TEST_F(LaunchFolder, KillsRanksThatOutliveMpirun) {
  const fs::path pid_file = folder_ / "pid";
  EXPECT_EQ(run("setsid sleep 1000 & echo $! > " + pid_file.string() + "; exit 0"), 0);
  pid_t pid = 0;
  std::ifstream(pid_file) >> pid;
  ASSERT_GT(pid, 0);
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST_F(LaunchFolder, PassesADrainOnAndDoesNotStartAgain) {
  LaunchOptions options;
  options.restarts = 5;
  const std::string log = (folder_ / "log").string();
  EXPECT_EQ(run("trap 'echo drained >> " + log +
                    "; exit 75' USR1; "
                    "kill -USR1 $PPID; for i in $(seq 100); do sleep 0.05; done; exit 1",
                options),
            75);
  EXPECT_EQ(fs::file_size(log), 8u);
}

TEST(FindMpiFlavor, KnowsTheMpiThatThisWasBuiltFor) {
  EXPECT_NE(find_mpi_flavor("mpirun").name, "an unknown MPI");
  EXPECT_THROW(find_mpi_flavor("/nowhere/mpirun"), core::Error);
}

TEST(Recovery, IsSeenInTheEnvironment) {
  ::unsetenv("OMPI_MCA_orte_enable_recovery");
  ::unsetenv("OMPI_MCA_mpi_ft_enable");
  ::unsetenv("OMPI_COMM_WORLD_SIZE");
  EXPECT_FALSE(recovery_is_on());
  EXPECT_THAT(missing_recovery(), HasSubstr("not started by mpirun"));
  ::setenv("OMPI_COMM_WORLD_SIZE", "4", 1);
  EXPECT_THAT(missing_recovery(), HasSubstr("srpo_run in place of mpirun"));
  for (const char* name : {"OMPI_MCA_orte_enable_recovery", "OMPI_MCA_mpi_ft_enable"}) {
    ::setenv(name, "1", 1);
    EXPECT_TRUE(recovery_is_on());
    EXPECT_EQ(missing_recovery(), "");
    ::unsetenv(name);
  }
  ::unsetenv("OMPI_COMM_WORLD_SIZE");
}

}  // namespace
}  // namespace srpo::comm

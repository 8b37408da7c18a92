"""A Slurm of one node, all in a folder of its own: for tests of batch scripts."""
import os
import shutil
import signal
import socket
import subprocess
import time

PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "scontrol", "scancel", "sacct"]


def missing():
    """Names of the programs that this machine lacks (Debian: slurmctld slurmd slurm-client munge)."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return [name for name in PROGRAMS if shutil.which(name, path=path) is None]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


CONF = """
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
SlurmctldPort={ctld_port}
SlurmdPort={slurmd_port}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SchedulerType=sched/builtin
SchedulerParameters=requeue_delay=0,sched_interval=1
SelectType=select/linear
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
SlurmdParameters=config_overrides
JobRequeue=1
KillWait=5
MinJobAge=600
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=1000 State=UNKNOWN
PartitionName=work Nodes={host} Default=YES MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=60
PartitionName=urgent Nodes={host} MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
"""


class OneNodeSlurm:
    """with OneNodeSlurm(folder) as slurm: slurm.sbatch("job.sbatch")"""

    def __init__(self, folder):
        self.folder = str(folder)
        self.daemons = []
        self.env = dict(os.environ)
        self.env["PATH"] += ":/usr/sbin:/sbin"
        self.env["SLURM_CONF"] = f"{self.folder}/slurm.conf"

    def __enter__(self):
        for name in ("state", "spool"):
            os.makedirs(f"{self.folder}/{name}", exist_ok=True)
        host = socket.gethostname().split(".")[0]
        with open(f"{self.folder}/slurm.conf", "w") as conf:
            conf.write(CONF.format(folder=self.folder, host=host, ctld_port=free_port(), slurmd_port=free_port()))
        with open(f"{self.folder}/munge.key", "wb") as key:
            key.write(os.urandom(128))
        os.chmod(f"{self.folder}/munge.key", 0o600)
        os.chmod(self.folder, 0o755)
        try:
            self.start(["munged", "--foreground", "--force", f"--socket={self.folder}/munge.socket",
                        f"--key-file={self.folder}/munge.key", f"--pid-file={self.folder}/munge.pid",
                        f"--log-file={self.folder}/munge.log", f"--seed-file={self.folder}/munge.seed"])
            self.wait_for(lambda: os.path.exists(f"{self.folder}/munge.socket"), "munged's socket")
            self.start(["slurmctld", "-D", "-c"])
            self.start(["slurmd", "-D", "-N", host])
            self.wait_for(self.is_idle, "an idle node")
        except Exception:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for daemon in reversed(self.daemons):
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def start(self, command):
        log = open(f"{self.folder}/{command[0]}.out", "w")
        self.daemons.append(subprocess.Popen(command, env=self.env, stdout=log, stderr=log))

    def run(self, *command, check=True):
        result = subprocess.run(command, env=self.env, text=True, capture_output=True, timeout=60)
        if check and result.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {result.stdout}{result.stderr}")
        return result

    def sbatch(self, *arguments):
        """Submits; the number of the job."""
        return self.run("sbatch", "--parsable", *arguments).stdout.strip()

    def job(self, number):
        """What scontrol knows of a job, as a dictionary."""
        text = self.run("scontrol", "-o", "show", "job", number).stdout
        return dict(word.split("=", 1) for word in text.split() if "=" in word)

    def is_idle(self):
        return self.run("sinfo", "-h", "-p", "work", "-o", "%T", check=False).stdout.strip() == "idle"

    def begin_now(self, number):
        """A requeued job is held for about two minutes: not here, but until its last start has been cleared away."""
        self.wait_for(self.is_idle, "an idle node")
        time.sleep(2)  # slurmd refuses a start in the second in which the last one was ended
        self.run("scontrol", "update", f"JobId={number}", "StartTime=now")

    def wait_for(self, condition, what, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise RuntimeError(f"waited {seconds} s for {what}; logs are in {self.folder}")
            time.sleep(0.2)

//! `superpose run --on`: the engines of clusters that can compute the shards of a study.

pub mod dask;
pub mod slurm;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use superpose::report::quoted;

use super::{Failure, Settings, number_of_threads};

/// Where shards are computed, and how to reach that.
#[derive(Args)]
#[command(next_help_heading = "Beyond one machine")]
pub struct On {
    /// Let an engine of clusters compute the units
    #[arg(long, value_name = "ENGINE")]
    on: Option<Engine>,
    /// Address of the Dask scheduler, as in tcp://HOST:8786
    #[arg(long, value_name = "ADDRESS", requires = "on", conflicts_with_all = ["scheduler_file", "workers"])]
    scheduler: Option<String>,
    /// File in which the Dask scheduler has left its address
    #[arg(long, value_name = "FILE", requires = "on", conflicts_with = "workers")]
    scheduler_file: Option<PathBuf>,
    /// Start a Dask cluster on this machine, with N workers
    #[arg(long, value_name = "N", requires = "on", value_parser = number_of_threads)]
    workers: Option<u16>,
    /// Seconds that a shard on Dask is to take [default: 10 to 60, by how much is left]
    #[arg(long, value_name = "S", requires = "on", value_parser = seconds)]
    shard_seconds: Option<f64>,
    /// The Python that has dask[distributed] [default: python3]
    #[arg(long, value_name = "PATH", requires = "on")]
    python: Option<PathBuf>,
    /// Certificate of the authority that a Dask scheduler with TLS is known by (PEM)
    #[arg(long, value_name = "FILE", requires = "on")]
    tls_ca_file: Option<PathBuf>,
    /// Certificate that this machine shows to a Dask scheduler with TLS (PEM)
    #[arg(long, value_name = "FILE", requires = "on")]
    tls_cert: Option<PathBuf>,
    /// Key of that certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "on")]
    tls_key: Option<PathBuf>,
    /// Shards in the array of Slurm
    #[arg(long, value_name = "N", requires = "on", value_parser = clap::value_parser!(u64).range(1..=4_000_000))]
    shards: Option<u64>,
    /// Options of sbatch, as in "--partition=long --time=4:00:00"
    #[arg(long, value_name = "OPTIONS", requires = "on", allow_hyphen_values = true)]
    sbatch_options: Option<String>,
    /// Print what would be submitted to Slurm, and submit and write nothing
    #[arg(long, requires = "on")]
    dry_run: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// Dask: a scheduler that runs already, or --workers on this machine
    Dask,
    /// Slurm: one array of --shards, and a merge after it
    Slurm,
}

/// An engine with all that it needs.
pub enum Where<'a> {
    Dask(dask::Cluster<'a>),
    Slurm(slurm::Array<'a>),
}

impl On {
    /// The engine that was asked for, if any; refused where what it needs is not given, or what was given is not its own.
    pub fn engine(&self) -> Result<Option<Where<'_>>, Failure> {
        let Some(engine) = self.on else { return Ok(None) };
        let of_slurm = [
            ("--shards", self.shards.is_some()),
            ("--sbatch-options", self.sbatch_options.is_some()),
            ("--dry-run", self.dry_run),
        ];
        let of_dask = [
            ("--scheduler", self.scheduler.is_some()),
            ("--scheduler-file", self.scheduler_file.is_some()),
            ("--workers", self.workers.is_some()),
            ("--shard-seconds", self.shard_seconds.is_some()),
            ("--tls-ca-file", self.tls_ca_file.is_some()),
            ("--tls-cert", self.tls_cert.is_some()),
            ("--tls-key", self.tls_key.is_some()),
            ("--python", self.python.is_some()),
        ];
        let (foreign, own, other) = match engine {
            Engine::Dask => (of_slurm.as_slice(), "dask", "slurm"),
            Engine::Slurm => (of_dask.as_slice(), "slurm", "dask"),
        };
        if let Some((name, _)) = foreign.iter().find(|(_, is_given)| *is_given) {
            return Err(Failure::new(2, format!("{name} belongs to --on {other}, and this is --on {own}")));
        }
        match engine {
            Engine::Dask => dask::Cluster::of(self).map(|cluster| Some(Where::Dask(cluster))),
            Engine::Slurm => slurm::Array::of(self).map(|array| Some(Where::Slurm(array))),
        }
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|s| (0.001..=86_400.0).contains(s));
    number.ok_or_else(|| "allowed: a number of seconds from 0.001 to 86400".to_owned())
}

/// The words of `superpose shard` that change the scenario as this command was asked to.
fn words(settings: &Settings) -> Vec<String> {
    let mut words: Vec<String> =
        settings.set.iter().flat_map(|setting| ["--set".to_owned(), setting.clone()]).collect();
    if settings.smoke {
        words.push("--smoke".to_owned());
    }
    for (name, value) in
        [("--memory", settings.resources.memory), ("--threads", settings.resources.threads.map(u64::from))]
    {
        words.extend(value.into_iter().flat_map(|value| [name.to_owned(), value.to_string()]));
    }
    words
}

/// The same, as they follow a command in a shell.
pub fn flags(settings: &Settings) -> String {
    words(settings).iter().map(|word| format!(" {}", quoted(word))).collect()
}

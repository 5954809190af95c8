"""What a run says before its first job, and what stops it there."""

from nofreelunch.networks import loss_steps
from nofreelunch.running import run_note
from nofreelunch.study import published_models
from nofreelunch.study.published_models import BIN_SIZE
from nofreelunch.study.sweeps import study_file
from nofreelunch.task.trajectories import ARENA

SIZES = config["rate_maps"]["bin_size"], config["scores"]["surrogates"]


def notices_of_change():
    """Lines on results that are there already."""
    codes = {
        stage: {cohort: code_of_cohorts(stage, cohort) for cohort in cohorts}
        for stage in ("training", "rate_maps")
    }
    codes["scores"] = {cohort: code("scores") for cohort in cohorts}
    return [
        *notices.of_layout(RESULTS),
        *notices.of_code(RESULTS, codes, preflight.recorded),
        *notices.of_versions(RESULTS, "training", cohorts),
        *(run_note.lock_notice(RESULTS) if preflight.locked(RESULTS) else []),
    ]


def refusals_of_slurm(jobs):
    """Lines on what a run through SLURM asks for in vain."""
    jobs = [job for job in jobs if not job.is_local]
    wanted = [(job.rule.name, dict(job.resources.items())) for job in jobs]
    asked = preflight.most_asked(wanted, partition_file())
    # Jobs of no networks are short, and other studies in this folder have jobs of their names.
    of_networks = [job for job in jobs if {"cohort", "job"} & {*job.wildcards_dict}]
    comments = [f"rule_{job.rule.name}_wildcards_{'_'.join(job.wildcards)}" for job in of_networks]
    refusals = preflight.of_slurm(asked, compute["device"])
    return [*refusals, *preflight.of_earlier_run(RESULTS, comments)]


def refusals_of_predictivity():
    """Lines on populations and recordings that published models cannot predict."""
    if not any(model["predictivity"] for model in plan.models.values()):
        return []
    from nofreelunch.evaluation import populations  # only here, because it takes seconds

    return populations.unpredictable(plan.models, BIN_SIZE, ARENA)


if workflow.is_main_process:
    logger.info(estimates.describe_plan(plan, *SIZES, compute["device"]))
    specs = [network.spec for network in plan.networks]
    doubtful = [*loss_steps.warnings(specs), *published_models.large_bottlenecks(plan.models)]
    for line in [*doubtful, *notices_of_change()]:
        logger.warning(line)


onstart:
    jobs = list(workflow.dag.needrun_jobs())
    # In an environment of its own, a job may have another torch than this process.
    trains = any(job.rule.name in preflight.TRAINING for job in jobs)
    trains_here = trains and runs_here() and not workflow.deployment_settings.deployment_method
    refusals = [
        *preflight.of_interpreter(sys.executable),
        *refusals_of_predictivity(),
        *notices.of_layout(RESULTS),
        *run_note.of_other_study(RESULTS, study_file(config["study"]), PLAN_FILE.parent),
        *notices.of_space(RESULTS, estimates.results_size(plan, *SIZES)),
        *(refusals_of_slurm(jobs) if runs_through_slurm() else []),
        *preflight.of_device(compute["device"], compute["precision"], trains_here),
    ]
    for line in refusals:
        logger.error(line)
    if refusals:
        sys.exit(1)
    save_plan(plan, PLAN_FILE)
    run_note.begin_run(RESULTS)


onsuccess:
    run_note.end_run(RESULTS)


onerror:
    run_note.end_run(RESULTS)

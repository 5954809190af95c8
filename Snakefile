"""When do grid cells emerge in networks trained to path-integrate, and who put them there?"""

from snakemake.utils import min_version

min_version("9.27")


configfile: workflow.source_path("config.yaml")


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/resources.smk"
include: "workflow/rules/checks.smk"


# The study published has models in place of sweeps, and rules of its own.
if plan.models:

    include: "workflow/rules/published.smk"
    include: "workflow/rules/published_findings.smk"

else:

    include: "workflow/rules/trajectories.smk"
    include: "workflow/rules/training.smk"
    include: "workflow/rules/rate_maps.smk"
    include: "workflow/rules/scores.smk"
    include: "workflow/rules/theory.smk"
    include: "workflow/rules/patterns.smk"
    include: "workflow/rules/lesions.smk"
    include: "workflow/rules/summary.smk"
    include: "workflow/rules/figures.smk"
    include: "workflow/rules/claims.smk"
    include: "workflow/rules/corrections.smk"
    include: "workflow/rules/report.smk"
    include: "workflow/rules/story.smk"
    include: "workflow/rules/explorer.smk"


# Every product is named, also those that others are made from: a file that was deleted is made anew.
if plan.models:

    rule all:
        default_target: True
        input:
            networks=of_models("networks"),
            rate_maps=of_models("rate_maps"),
            scores=of_models("scores"),
            tori=tori_of(),
            summaries=expand(f"{OF_MODEL}/summary.nc", model=plan.models),
            claims=rules.published_claims.output,
            report=rules.published_report.output,
            figures=expand(
                f"{RESULTS}/figures/{{figure}}.{{kind}}",
                figure=MODEL_FIGURES,
                kind=("pdf", "png", "svg", "csv"),
            ),

else:

    rule all:
        default_target: True
        input:
            networks=all_of("training"),
            rate_maps=all_of("rate_maps"),
            scores=all_of("scores"),
            theory=all_of("theory"),
            patterns=all_of("patterns"),
            lesions=rules.lesions.output,
            story=rules.story.output,
            report=rules.report.output,
            explorer=rules.explorer.output,
            claims=rules.claims.output,
            corrections=rules.corrections.output,
            summary=rules.summary.output,
            figures=expand(
                f"{RESULTS}/figures/{{figure}}.{{kind}}",
                figure=FIGURES,
                kind=("pdf", "png", "svg", "csv"),
            ),

"""The story of the study: one page for a reader who has not read the paper."""

LEFT_OUT = ("patterns", "chance", "lattices", "learning_curves")  # for readers of the report
TOLD = [figure for figure in FIGURES if figure not in LEFT_OUT]


rule story:
    input:
        summary=files_of("summary"),
        units=files_of("units"),
        theory=all_of("theory"),
        patterns=all_of("patterns"),
        vectors=expand(f"{RESULTS}/figures/{{figure}}.svg", figure=TOLD),
        pixels=expand(f"{RESULTS}/figures/{{figure}}.png", figure=TOLD),
    output:
        f"{RESULTS}/index.html",
    log:
        f"{LOGS}/story.log",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=growing(PROCESS),
        runtime=limit("story"),
    params:
        run=lambda wildcards: {
            "targets": as_params(),
            "captions": captions(),
            "sheet": sheet(),
            "code": code("story"),
        },
    message:
        "Writing the story"
    script:
        "../scripts/story.py"

/* Everything in a training step except matrix products, each part in one sweep over memory.
 *
 * Every function has a counterpart made of torch functions. Other devices and types use that one, and
 * the tests compare the two. Rows are samples, `stride` numbers apart. The first `cells` columns belong
 * to the network; the others are zero. Single precision, one thread.
 */
#include <math.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define FARTHEST 1e30f

enum kind { GAUSSIAN, DIFFERENCE_OF_SOFTMAXES, SOFTMAX_OF_DIFFERENCES, DIFFERENCE_OF_GAUSSIANS };

/* exp(x) for x <= 0, but at least exp(-80), because denormal numbers are slow. x is split into a whole
 * multiple of ln 2 and a rest, |rest| <= ln 2 / 2; a polynomial of degree seven gives exp(rest). */
static inline float exponential(float x)
{
    x = x > -80.0f ? x : -80.0f;
    float whole = rintf(x * 1.44269504f);
    float rest = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
    float value = 1.0f / 5040;
    value = value * rest + 1.0f / 720;
    value = value * rest + 1.0f / 120;
    value = value * rest + 1.0f / 24;
    value = value * rest + 1.0f / 6;
    value = value * rest + 0.5f;
    value = value * rest * rest + rest + 1.0f;
    int bits = ((int)whole + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return value * power;
}

/* softmax(-weight * q); the weight is 1, or 1 - ratio for the softmax of differences. */
static void softmax(long cells, int difference, const float *restrict q, const float *restrict ratio,
                    float *restrict out)
{
    float least = FARTHEST, sum = 0;
#pragma omp simd reduction(min : least)
    for (long i = 0; i < cells; i++) {
        out[i] = difference ? q[i] - ratio[i] * q[i] : q[i];
        least = out[i] < least ? out[i] : least;
    }
#pragma omp simd reduction(+ : sum)
    for (long i = 0; i < cells; i++) {
        out[i] = exponential(least - out[i]);
        sum += out[i];
    }
    float scale = 1 / sum;
#pragma omp simd
    for (long i = 0; i < cells; i++)
        out[i] *= scale;
}

/* Shift to a minimum of zero and normalise to a sum of one; `low` and `sum` are the minimum and the sum
 * before. */
static void shift(long cells, float low, float sum, float *out)
{
    float total = sum - cells * low;
    float scale = 1 / (total > 1e-37f ? total : 1e-37f);
#pragma omp simd
    for (long i = 0; i < cells; i++)
        out[i] = (out[i] - low) * scale;
}

static void difference_of_softmaxes(long cells, const float *restrict q, const float *restrict ratio,
                                    float *restrict wide, float *restrict out)
{
    float least = FARTHEST, least_wide = FARTHEST, area = 0, area_wide = 0, low = FARTHEST, sum = 0;
#pragma omp simd reduction(min : least, least_wide)
    for (long i = 0; i < cells; i++) {
        float far = q[i] * ratio[i];
        least = q[i] < least ? q[i] : least;
        least_wide = far < least_wide ? far : least_wide;
    }
#pragma omp simd reduction(+ : area, area_wide)
    for (long i = 0; i < cells; i++) {
        out[i] = exponential(least - q[i]);
        wide[i] = exponential(least_wide - q[i] * ratio[i]);
        area += out[i];
        area_wide += wide[i];
    }
    float scale = 1 / area, scale_wide = 1 / area_wide;
#pragma omp simd reduction(min : low) reduction(+ : sum)
    for (long i = 0; i < cells; i++) {
        out[i] = scale * out[i] - scale_wide * wide[i];
        low = out[i] < low ? out[i] : low;
        sum += out[i];
    }
    shift(cells, low, sum, out);
}

static void difference_of_gaussians(long cells, float amplitude, const float *restrict q,
                                    const float *restrict ratio, float *restrict out)
{
    int equal_area = isnan(amplitude);
    float low = FARTHEST, sum = 0;
#pragma omp simd reduction(min : low) reduction(+ : sum)
    for (long i = 0; i < cells; i++) {
        float centre = equal_area ? 1 / ratio[i] : amplitude;
        out[i] = centre * exponential(-q[i]) - exponential(-q[i] * ratio[i]);
        low = out[i] < low ? out[i] : low;
        sum += out[i];
    }
    shift(cells, low, sum, out);
}

/* For each cell: q = |x - c|^2 / (2 width^2) of its nearest field, and ratio = 1 / s^2 of that field.
 * fields: (field, [x, y, 1 / (2 width^2), 1 / s^2], stride); the first with_field[f] cells have field f. */
static void nearest(long cells, long stride, long count, const long *with_field,
                    const float *restrict fields, float x, float y, float *restrict q,
                    float *restrict ratio)
{
#pragma omp simd
    for (long i = 0; i < cells; i++) {
        float dx = x - fields[i], dy = y - fields[stride + i];
        q[i] = (dx * dx + dy * dy) * fields[2 * stride + i];
        ratio[i] = fields[3 * stride + i];
    }
    for (long field = 1; field < count; field++) {
        long some = with_field[field] < cells ? with_field[field] : cells;
        fields += 4 * stride;
#pragma omp simd
        for (long i = 0; i < some; i++) {
            float dx = x - fields[i], dy = y - fields[stride + i];
            float other = (dx * dx + dy * dy) * fields[2 * stride + i];
            int closer = other < q[i];
            ratio[i] = closer ? fields[3 * stride + i] : ratio[i];
            q[i] = closer ? other : q[i];
        }
    }
}

/* Activity of place cells, code (row, stride), at positions (row, 2), m.
 * amplitude: of the centre, relative to the surround; NaN stands for s^2. scratch: 3 * stride numbers. */
EXPORT void encode(int kind, long rows, long cells, long stride, long count, const long *with_field,
                   const float *fields, float amplitude, const float *position, float *scratch,
                   float *code)
{
    float *q = scratch, *ratio = q + stride, *wide = ratio + stride;
    for (long row = 0; row < rows; row++, code += stride) {
        nearest(cells, stride, count, with_field, fields, position[2 * row], position[2 * row + 1], q, ratio);
        if (kind == DIFFERENCE_OF_GAUSSIANS)
            difference_of_gaussians(cells, amplitude, q, ratio, code);
        else if (kind == DIFFERENCE_OF_SOFTMAXES)
            difference_of_softmaxes(cells, q, ratio, wide, code);
        else
            softmax(cells, kind == SOFTMAX_OF_DIFFERENCES, q, ratio, code);
        memset(code + cells, 0, (stride - cells) * sizeof *code);
    }
}

/* Returns the cross-entropy of code with the softmax of logits, summed over rows with their weights, and
 * writes its gradient with respect to the logits. Rows of weight zero are not read. */
EXPORT double cross_entropy(long rows, long cells, long stride, const float *logits, const float *code,
                            const float *weights, float *gradient)
{
    double loss = 0;
    for (long row = 0; row < rows; row++, logits += stride, code += stride, gradient += stride) {
        if (weights[row] == 0) {
            memset(gradient, 0, stride * sizeof *gradient);
            continue;
        }
        float top = -FARTHEST, product = 0, sum = 0;
#pragma omp simd reduction(max : top) reduction(+ : product)
        for (long i = 0; i < cells; i++) {
            top = logits[i] > top ? logits[i] : top;
            product += logits[i] * code[i];
        }
#pragma omp simd reduction(+ : sum)
        for (long i = 0; i < cells; i++) {
            gradient[i] = exponential(logits[i] - top);
            sum += gradient[i];
        }
        float scale = 1 / sum;
#pragma omp simd
        for (long i = 0; i < cells; i++)
            gradient[i] = (gradient[i] * scale - code[i]) * weights[row];
        memset(gradient + cells, 0, (stride - cells) * sizeof *gradient);
        loss += weights[row] * (top + logf(sum) - product);
    }
    return loss;
}

/* One step of an optimiser for `count` weights:
 * mean += (1 - keep_mean) (g - mean),  square = keep_square square + add_square g^2,
 * weight -= rate mean / (sqrt(square) + epsilon),  with g = gradient + decay weight. */
EXPORT void update(long count, float rate, float decay, float keep_mean, float keep_square, float add_square,
                   float epsilon, const float *gradient, float *restrict weight, float *restrict mean,
                   float *restrict square)
{
#pragma omp simd
    for (long i = 0; i < count; i++) {
        float slope = gradient[i] + decay * weight[i];
        mean[i] += (1 - keep_mean) * (slope - mean[i]);
        square[i] = keep_square * square[i] + add_square * slope * slope;
        weight[i] -= rate * mean[i] / (sqrtf(square[i]) + epsilon);
    }
}

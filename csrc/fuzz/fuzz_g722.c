/* Any bytes decoded by G.722, in pieces, and what comes out encoded again: the predictors stay in their range. */
#include "../core/sfm_codec.h"
#include "../core/sfm_g722.h"
#include "fuzz.h"

enum { MOST = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    const sfm_codec *codec = sfm_codec_find("G722");
    sfm_g722 decoder, encoder;
    REQUIRE(sfm_codec_decoder_init(codec, &decoder) == 0 && sfm_codec_encoder_init(codec, &encoder) == 0);
    while (input.left > 0) {
        int16_t pcm[2 * MOST];
        uint8_t again[MOST];
        size_t length = fuzz_take(&input, 1) % (MOST + 1);
        length = length < input.left ? length : input.left;
        REQUIRE(sfm_codec_decode(codec, &decoder, input.data, length, pcm, 2 * MOST) == (int)(2 * length));
        REQUIRE(sfm_codec_encode(codec, &encoder, pcm, 2 * length, again, MOST) == (int)length);
        input.data += length;
        input.left -= length;
    }
    return 0;
}

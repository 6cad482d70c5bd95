"""Networks: from batches of encoded texts to logits, and what several networks say together.

* ``ensemble.Ensemble``: networks of one recipe and a linear branch
* ``network.Network``: one of them: word vectors, an ``encoder.Encoder`` that reads them, classes
* ``layers.lower_layers``: layers below the last one
* ``choices.CELLS``, ``choices.POOLINGS``: the recurrent cells and the poolings of a recipe
* ``heads.Softmax``: loss, log probabilities, and the mixture of networks and linear branch
* ``prefix_tree.PrefixTrees``: texts that begin alike, read as one
* ``linear.LinearBranch``, ``linear_fit.fit_linear``: logistic regression on TF-IDF features
* ``word_vectors.latent_vectors``: starting word vectors, by latent semantic analysis
* ``logits.predict_logits``, ``logits.resolve_device``: logits of a corpus, on a device
* ``matlab_weights.MatlabWeights``: the weights of an LSTM in the form of MATLAB's lstmLayer
* ``memory.require_memory``: refuses a network that memory cannot hold
"""

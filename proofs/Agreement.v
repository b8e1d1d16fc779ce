(* Two groups of files write the same notions differently: Vectors.v and GaugeInvariance.v for one,  *)
(* InnerProduct.v, TopK.v, OneBit.v, Residual.v and GaugeSearch.v for the other. Here they agree.     *)
From mathcomp Require Import all_ssreflect all_algebra.
From Routegauge Require Vectors GaugeInvariance InnerProduct TopK OneBit Residual GaugeSearch.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Vector.
Variables (R : rcfType) (d : nat).
Implicit Types x y : 'cV[R]_d.

Lemma dot_agrees x y : Vectors.dot x y = InnerProduct.dot x y.
Proof. exact: InnerProduct.dotE. Qed.

Lemma sqn_agrees x : Vectors.sqn x = InnerProduct.dot x x.
Proof. by rewrite Vectors.sqnE dot_agrees. Qed.

Lemma norm_agrees x : Vectors.l2 x = InnerProduct.norm x.
Proof. by rewrite /Vectors.l2 sqn_agrees. Qed.

Lemma l1_agrees x : Vectors.l1 x = OneBit.l1 x.
Proof. by []. Qed.

Lemma cosine_agrees x : Vectors.cosine x = GaugeSearch.cosine x.
Proof. by rewrite /Vectors.cosine norm_agrees. Qed.

Lemma beta_agrees x : Vectors.beta x = OneBit.beta x.
Proof.
rewrite /Vectors.beta /Vectors.cosine /OneBit.beta expr_div_n exprMn sqr_sqrtr ?ler0n //.
by rewrite Vectors.l2_sqr sqn_agrees.
Qed.

Lemma orthogonal_agrees (A : 'M[R]_d) : Vectors.orthogonal A <-> GaugeSearch.orthogonal A.
Proof. by []. Qed.
End Vector.

Section Matrix.
Variables (R : rcfType) (N d : nat).
Implicit Types K : 'M[R]_(N, d).

Lemma frob_agrees K : Vectors.frob K = Residual.frob2 K.
Proof. by rewrite Residual.frob2E. Qed.

Lemma beta_E_agrees K : Vectors.beta_E K = Residual.beta_E K.
Proof. by rewrite /Vectors.beta_E /Residual.beta_E -frob_agrees Vectors.frobE. Qed.
End Matrix.

Lemma is_topk_agrees (R : rcfType) (E k : nat) (s : 'cV[R]_E) (T : {set 'I_E}) :
  GaugeInvariance.is_topk (fun i => s i 0) k T <-> TopK.is_topk k s T.
Proof. by []. Qed.

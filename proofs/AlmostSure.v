(* KR-7, its remark: for almost all parameters of an analytic model the keys of different prompts   *)
(* differ, given that zeros of analytic functions are null sets (a fact of Missing.v).              *)
From Coq Require Import Reals.
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import Rstruct.
From Routegauge Require Import Vectors Missing.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Lemma null_subset n (Y Z : ('I_n -> R) -> Prop) : (forall x, Y x -> Z x) -> null_set Z -> null_set Y.
Proof.
move=> YZ nZ eps e0; have [lo [hi [h1 h2 h3]]] := nZ eps e0.
by exists lo, hi; split=> // x /YZ; exact: h2.
Qed.

(* KR-7. Let the state S of a prompt depend on n parameters, such that differences of states are      *)
(* analytic, and let no two prompts have equal states for all parameters. Then the parameters that    *)
(* give two prompts one state are a null set for each pair, and outside these sets (countably many,    *)
(* if the prompts are) the state determines the prompt; so every routing factors through it. (That a   *)
(* countable union of null sets is null, and that a transformer is such a model, are not proved here.) *)
Theorem KR_7_e_almost_sure_injectivity (n m : nat) (Prompt : eqType)
  (S : ('I_n -> R) -> Prompt -> 'cV[R]_m) : analytic_zeros_statement -> (0 < n)%N ->
  (forall s s' j, analytic (fun th => S th s j 0 - S th s' j 0)) ->
  (forall s s', s <> s' -> exists th, S th s <> S th s') ->
  (forall s s', s <> s' -> null_set (fun th => S th s = S th s')) /\
  forall th, (forall s s', s <> s' -> ~ S th s = S th s') -> injective (S th).
Proof.
move=> zeros n0 an distinct; split=> [s s' ss'|th out s s' eqS]; last first.
  by have [//|/eqP ne] := eqVneq s s'; case: (out s s' ne).
have [th neq] := distinct s s' ss'.
have [j sj] : exists j, S th s j 0 != S th s' j 0.
  apply/existsP; have [//|/existsPn same] := boolP [exists j, S th s j 0 != S th s' j 0].
  by case: neq; apply/colP=> j; apply/eqP; have := same j; rewrite negbK.
apply: (@null_subset _ _ (fun th => S th s j 0 - S th s' j 0 = 0)).
  by move=> x ->; rewrite subrr.
by apply: zeros => //; exists th; apply/eqP; rewrite subr_eq0.
Qed.

(* Family RG: chance levels of set overlap, stability of the top-k set under
   perturbed logits, jumps at a swap of experts, and what norm ratios do not
   measure.  Probabilities are finite averages. *)
From mathcomp Require Import all_ssreflect all_algebra all_fingroup.
From Routegauge Require Import FieldTactics InnerProduct TopK.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

Section Counting.
Variables (E k : nat).
Implicit Types (A B : {set 'I_E}).

(* The k-subsets of the E experts. *)
Definition ksets := [set B : {set 'I_E} | #|B| == k].

Lemma card_ksets : #|ksets| = 'C(E, k).
Proof. by rewrite /ksets card_draws card_ord. Qed.

(* Hypergeometric count. *)
Lemma card_overlap A m : (m <= k)%N ->
  #|[set B in ksets | #|A :&: B| == m]| = ('C(#|A|, m) * 'C(E - #|A|, k - m))%N.
Proof.
move=> mk; have cA : (E - #|A|)%N = #|~: A| by rewrite [in RHS]cardsCs setCK card_ord.
rewrite cA -!cards_draws -cardsX.
pose f B := (A :&: B, B :\: A).
have f_inj : injective f.
  by move=> B B' [e1 e2]; rewrite -(setID B A) -(setID B' A) ![_ :&: A]setIC e1 e2.
rewrite -(card_imset _ f_inj); apply: eq_card => -[X Y]; apply/imsetP/idP.
  case=> B; rewrite !inE => /andP[/eqP cB /eqP cAB] [-> ->] /=.
  by rewrite subsetIl cAB eqxx /= subsetDr /= cardsD setIC cAB cB eqxx.
rewrite !inE /= => /andP[/andP[XA /eqP cX] /andP[YA /eqP cY]].
have dYA : [disjoint Y & A] by rewrite disjoints_subset.
have dXY : [disjoint X & Y] by rewrite disjoint_sym (disjointWr XA).
have AX : A :&: (X :|: Y) = X.
  by rewrite setIUr (setIidPr XA) [A :&: Y](_ : _ = set0) ?setU0 //; apply/eqP;
     rewrite setI_eq0 disjoint_sym.
exists (X :|: Y); last first.
  by rewrite /f AX setDUl (eqP (_ : X :\: A == set0)) ?setD_eq0 // set0U (setDidPl _).
by rewrite !inE AX cX eqxx andbT cardsU (eqP (_ : X :&: Y == set0)) ?setI_eq0 // cards0 subn0 cX cY subnKC.
Qed.

Lemma card_with1 i : (0 < k)%N ->
  #|[set B in ksets | i \in B]| = 'C(E.-1, k.-1).
Proof.
move=> k0; have := @card_overlap [set i] 1 k0; rewrite cards1 binn mul1n !subn1 => <-.
apply: eq_card => B; rewrite !inE; congr (_ && _).
have [iB|iB] := boolP (i \in B); first by rewrite (setIidPl _) ?sub1set // cards1.
by rewrite (_ : _ :&: _ = set0) ?cards0 //; apply/eqP; rewrite setI_eq0 disjoints1.
Qed.

Lemma card_with2 i j : i != j -> (1 < k)%N ->
  #|[set B in ksets | (i \in B) && (j \in B)]| = 'C(E.-2, k.-2).
Proof.
move=> ij k0; have := @card_overlap [set i; j] 2 k0; rewrite cards2 ij binn mul1n !subn2 => <-.
apply: eq_card => B; rewrite !inE; congr (_ && _).
have c2 : #|[set i; j]| = 2%N by rewrite cards2 ij.
rewrite -c2 (subset_leqif_cards (subsetIl [set i; j] B)).2.
by rewrite (sameP eqP setIidPl) subUset !sub1set.
Qed.

End Counting.

Section Chance.
Variables (R : realFieldType) (E k : nat).
Hypothesis k0 : (0 < k)%N.
Hypothesis kE : (k <= E)%N.
Implicit Types (A B : {set 'I_E}).
Add Field chance_field : (mc_field_theory R).

(* Average over all k-subsets. *)
Definition mean_ksets (f : {set 'I_E} -> R) : R :=
  (\sum_(B in ksets E k) f B) / 'C(E, k)%:R.

Lemma binEk_neq0 : 'C(E, k)%:R != 0 :> R.
Proof. by rewrite pnatr_eq0 -lt0n bin_gt0. Qed.

Lemma E_gt0 : (0 < E)%N. Proof. exact: leq_trans kE. Qed.

Lemma card_sum A B : #|A :&: B|%:R = \sum_(i in A) (i \in B)%:R :> R.
Proof.
rewrite -sum1_card natr_sum big_mkcond [RHS]big_mkcond; apply: eq_bigr => i _.
by rewrite inE; case: (i \in A) => //=; case: (i \in B).
Qed.

Lemma sum_with1 i : \sum_(B in ksets E k) (i \in B)%:R = 'C(E.-1, k.-1)%:R :> R.
Proof.
rewrite -(card_with1 i k0) -sum1_card natr_sum big_mkcond [RHS]big_mkcond.
by apply: eq_bigr => B _; rewrite !inE; case: (_ == k) => //=; case: (i \in B).
Qed.

Lemma sum_with2 i j : i != j -> (1 < k)%N ->
  \sum_(B in ksets E k) (i \in B)%:R * (j \in B)%:R = 'C(E.-2, k.-2)%:R :> R.
Proof.
move=> ij k1; rewrite -(card_with2 ij k1) -sum1_card natr_sum big_mkcond [RHS]big_mkcond.
apply: eq_bigr => B _; rewrite !inE; case: (_ == k) => //=.
by case: (i \in B); case: (j \in B); rewrite ?mulr0 ?mulr1 ?mul0r.
Qed.

Lemma incl1 : 'C(E.-1, k.-1)%:R = k%:R / E%:R * 'C(E, k)%:R :> R.
Proof.
have E0 : E%:R != 0 :> R by rewrite pnatr_eq0 -lt0n E_gt0.
apply: (mulfI E0); transitivity (k%:R * 'C(E, k)%:R : R).
  by rewrite -!natrM mul_bin_diag prednK.
by mfield R; apply/eqP.
Qed.

(* RG-1. (a) The chance overlap of a fixed set of k experts with a uniformly
   random set of k out of E experts is k/E. *)
Theorem RG_1_a_mean_overlap A : #|A| = k ->
  mean_ksets (fun B => #|A :&: B|%:R / k%:R) = k%:R / E%:R.
Proof.
move=> cA; rewrite /mean_ksets -mulr_suml.
under eq_bigr => B _ do rewrite card_sum.
rewrite exchange_big /= (eq_bigr _ (fun i _ => sum_with1 i)) sumr_const cA.
rewrite -[_ *+ k]mulr_natl incl1.
have k0' : k%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
have E0 : E%:R != 0 :> R by rewrite pnatr_eq0 -lt0n E_gt0.
move: binEk_neq0; set c := 'C(E, k)%:R => c0.
by mfield R; repeat split; apply/eqP.
Qed.

(* RG-1. (b) Its variance (as a count) is k (k/E)(1 - k/E)(E-k)/(E-1). *)
Theorem RG_1_b_variance_overlap A : #|A| = k -> (1 < E)%N ->
  mean_ksets (fun B => (#|A :&: B|%:R - k%:R * (k%:R / E%:R)) ^+ 2) =
  k%:R * (k%:R / E%:R) * (1 - k%:R / E%:R) * ((E - k)%:R / (E - 1)%:R).
Proof.
move=> cA E1.
have E0 : E%:R != 0 :> R by rewrite pnatr_eq0 -lt0n E_gt0.
have E10 : E%:R - 1 != 0 :> R by rewrite -(natrB R E_gt0) pnatr_eq0 subn_eq0 -ltnNge.
have c0 := binEk_neq0.
have incl2 : (1 < k)%N -> 'C(E.-2, k.-2)%:R =
    k%:R * (k%:R - 1) / (E%:R * (E%:R - 1)) * 'C(E, k)%:R :> R.
  move=> k1; have := incl1; have e : E.-1%:R != 0 :> R.
    by rewrite pnatr_eq0 -lt0n -subn1 subn_gt0.
  have : E.-1%:R * 'C(E.-2, k.-2)%:R = k.-1%:R * 'C(E.-1, k.-1)%:R :> R.
    by rewrite -!natrM mul_bin_diag prednK // -subn1 subn_gt0.
  move=> h1 h2; apply: (mulfI e); rewrite h1 h2 -!subn1 !natrB ?E_gt0 //.
  by mfield R; repeat split; apply/eqP.
have m1 : \sum_(B in ksets E k) #|A :&: B|%:R = k%:R * (k%:R / E%:R) * 'C(E, k)%:R :> R.
  under eq_bigr => B _ do rewrite card_sum.
  rewrite exchange_big /= (eq_bigr _ (fun i _ => sum_with1 i)) sumr_const cA.
  by rewrite -['C(_, _)%:R *+ k]mulr_natl incl1; mring R.
have m2 : \sum_(B in ksets E k) #|A :&: B|%:R ^+ 2 =
    (k%:R * (k%:R / E%:R) + k%:R * (k%:R - 1) * (k%:R * (k%:R - 1) / (E%:R * (E%:R - 1))))
     * 'C(E, k)%:R :> R.
  transitivity (\sum_(i in A) \sum_(j in A) \sum_(B in ksets E k) (i \in B)%:R * (j \in B)%:R : R).
    under eq_bigr => B _ do rewrite expr2 card_sum mulr_suml.
    rewrite exchange_big /=; apply: eq_bigr => i iA.
    rewrite exchange_big /=; apply: eq_bigr => B _.
    by rewrite mulr_sumr.
  transitivity (\sum_(i in A) (k%:R / E%:R * 'C(E, k)%:R +
     (k%:R - 1) * (k%:R * (k%:R - 1) / (E%:R * (E%:R - 1)) * 'C(E, k)%:R)) : R).
    apply: eq_bigr => i iA; rewrite (bigD1 i) //=; congr (_ + _).
      rewrite -incl1 -(sum_with1 i); apply: eq_bigr => B _.
      by case: (i \in B); rewrite ?mulr1 ?mulr0.
    have [k1|k1] := ltnP 1 k.
      rewrite (eq_bigr (fun=> 'C(E.-2, k.-2)%:R)); last first.
        by move=> j /andP[jA ji]; rewrite sum_with2 // eq_sym.
      rewrite (eq_bigl (fun j => j \in A :\ i)); last by move=> j; rewrite !inE andbC.
      rewrite sumr_const -[X in X = _]mulr_natl incl2 //; congr (_ * _).
      rewrite -(natrB R k0); congr _%:R.
      by move: cA; rewrite (cardsD1 i) iA add1n => <-; rewrite subn1.
    have k1' : k = 1%N by apply/eqP; rewrite eqn_leq k1.
    rewrite {2}k1' subrr mul0r big1 // => j /andP[jA ji].
    by move: cA; rewrite k1' (cardsD1 i) (cardsD1 j) iA !inE ji jA.
  rewrite sumr_const cA -[_ *+ k]mulr_natl.
  by mring R.
rewrite /mean_ksets.
under eq_bigr => B _ do rewrite sqrrB.
rewrite big_split /= sumrB m2 sumrMnl -mulr_suml m1 sumr_const card_ksets.
rewrite -[(_ ^+ 2) *+ 'C(E, k)]mulr_natl !natrB // ?E_gt0 //.
move: c0; set c := 'C(E, k)%:R => c0; rewrite -[_ *+ 2]mulr_natl.
by mfield R; repeat split; apply/eqP.
Qed.

(* RG-1. (c) Expected Jaccard similarity under the hypergeometric law. *)
Theorem RG_1_c_mean_jaccard A : #|A| = k ->
  mean_ksets (fun B => #|A :&: B|%:R / #|A :|: B|%:R) =
  \sum_(m < k.+1) ('C(k, m) * 'C(E - k, k - m))%:R / 'C(E, k)%:R
                  * (m%:R / (2 * k - m)%:R).
Proof.
move=> cA; rewrite /mean_ksets mulr_suml.
have cap B : (#|A :&: B| < k.+1)%N by rewrite ltnS -cA subset_leq_card ?subsetIl.
rewrite (partition_big (fun B => Ordinal (cap B)) predT) //=; apply: eq_bigr => m _.
have cnt := @card_overlap E k A m (leq_ord m); rewrite cA in cnt; rewrite -cnt.
rewrite (eq_bigr (fun=> m%:R / (2 * k - m)%:R / 'C(E, k)%:R)); last first.
  move=> B /andP[]; rewrite inE => /eqP cB /eqP/(congr1 val) /= hm.
  by rewrite cardsU hm cA cB mul2n addnn.
rewrite (eq_bigl (fun B => B \in [set B in ksets E k | #|A :&: B| == m])); last first.
  by move=> B; rewrite !inE.
by rewrite sumr_const -[LHS]mulr_natl; mring R.
Qed.

End Chance.
